"""The Chinese catalogue: what people read, by its English. Names in braces are filled later."""

from __future__ import annotations

from sagellm_benchmark.chinese.answers import ANSWERS
from sagellm_benchmark.chinese.click import CLICK
from sagellm_benchmark.chinese.failures_board import BOARD
from sagellm_benchmark.chinese.failures_data import DATA
from sagellm_benchmark.chinese.failures_engines import ENGINES
from sagellm_benchmark.chinese.failures_network import NETWORK
from sagellm_benchmark.chinese.failures_options import OPTIONS
from sagellm_benchmark.chinese.failures_run import RUN
from sagellm_benchmark.chinese.help import HELP
from sagellm_benchmark.chinese.reasons import REASONS
from sagellm_benchmark.chinese.report import REPORT
from sagellm_benchmark.chinese.rules import RULES
from sagellm_benchmark.chinese.screen import SCREEN

CHINESE: dict[str, str] = {
    **REASONS,
    **ANSWERS,
    **SCREEN,
    **REPORT,
    **RULES,
    **HELP,
    **CLICK,
    **ENGINES,
    **BOARD,
    **DATA,
    **NETWORK,
    **OPTIONS,
    **RUN,
}
