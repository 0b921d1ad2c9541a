"""Laws are judged here: what a transaction has changed, before it is committed, at every door."""

from firewalls.intent.laws.judging import BrokenLaw, judge, judge_all, let_go, take_up

__all__ = ["BrokenLaw", "judge", "judge_all", "let_go", "take_up"]
