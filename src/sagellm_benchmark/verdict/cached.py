"""Whether a server answers prompts from a cache, by what it took over prompts that it had seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_VISIBLE = 0.6  # of a new prompt's TTFT: a repeated one that takes longer shows no cache
_VISIBLE_S = 0.002  # by which it must be quicker, too; less is noise


@dataclass(frozen=True, slots=True)
class RepeatTest:
    """TTFT (median, seconds) of prompts that nobody can have sent before, and of the same ones sent once more."""

    new_ttft_s: float
    repeated_ttft_s: float

    @property
    def shows_cache(self) -> bool:
        """Whether the server answers a prompt much sooner when it has seen it."""
        saved_s = self.new_ttft_s - self.repeated_ttft_s
        return saved_s >= _VISIBLE_S and self.repeated_ttft_s <= _VISIBLE * self.new_ttft_s

    def explains(self, ttft_s: float) -> bool:
        """Whether such a TTFT is that of a prompt which the server had seen: nearer to those than to the new ones."""
        return self.shows_cache and ttft_s < (self.new_ttft_s + self.repeated_ttft_s) / 2
