"""What a configuration is, pure: from a firewall's facts to its files, and what parsers say."""
