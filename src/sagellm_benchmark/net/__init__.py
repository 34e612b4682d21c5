"""Small HTTP requests, by which a server is asked about itself before and after a run, but never during one.

Why http.client and not httpx, which huggingface_hub installs: releases of huggingface_hub went from requests to httpx
and on to a fork of httpx, so we cannot rely on any of them. Besides, httpx limits only single waits, so the deadline
for a whole exchange, which is most of this room, would be needed with it as well.
"""
