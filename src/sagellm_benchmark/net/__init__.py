"""Small HTTP requests: a server is asked about itself before and after a run, and never during one.

Why http.client and not httpx, which huggingface_hub brings along: its releases went from requests to httpx and on to
a fork of it, so what they bring is their own business. And httpx, too, limits single waits only: the deadline for a
whole exchange, which is most of this room, would be needed with it as well.
"""
