"""What a configuration is, pure: from the facts of a firewall to its files, and what parsers say."""
