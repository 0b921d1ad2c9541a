"use strict";
// The little that HTML and htmx cannot do: theme, search key, copying, unfolding steps across polls.
const root = document.documentElement;
const THEMES = ["auto", "light", "dark"];

function showTheme(theme) {
  if (theme === "auto") root.removeAttribute("data-theme");
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.querySelector("[data-theme-name]").textContent = theme;
  }
}

function storedTheme() {
  try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
}

showTheme(storedTheme());
document.addEventListener("DOMContentLoaded", () => showTheme(storedTheme()));

document.addEventListener("click", (event) => {
  const themes = event.target.closest("[data-theme-switch]");
  if (themes) {
    const next = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
    try { localStorage.setItem("theme", next); } catch { /* private windows keep nothing */ }
    showTheme(next);
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = document.getElementById(copy.dataset.copy).dataset.text ?? document.getElementById(copy.dataset.copy).textContent;
    navigator.clipboard.writeText(text).then(() => {
      const before = copy.textContent;
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = before; }, 1500);
    });
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.getElementById("search");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});

// On a narrow screen the tabs scroll: the one that is open is to be seen.
document.addEventListener("DOMContentLoaded", () => {
  const tabs = document.querySelector(".tabs"), open = tabs?.querySelector("[aria-current]");
  if (open) tabs.scrollLeft = Math.max(0, open.offsetLeft + open.offsetWidth - tabs.offsetLeft - tabs.clientWidth);
});

// What is new in a part that was polled is told once, by a line that stays where it is.
document.addEventListener("htmx:afterSwap", () => {
  const news = document.querySelector("[data-says]")?.dataset.says, said = document.getElementById("said");
  if (news && said && said.textContent !== news) said.textContent = news;
});

// What stands on a wall screen is kept up to date, as long as somebody can see it.
const REFRESH_MS = 15000;
setInterval(() => {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("refresh"));
}, REFRESH_MS);

// A part that is polled is replaced as a whole: what the reader had unfolded stays unfolded.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", () => {
  unfolded = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
});
