"""Turn what was observed into numbers, and judge whether to believe them. Pure."""
