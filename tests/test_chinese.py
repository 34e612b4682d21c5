"""What goes wrong, and --help, are said in Chinese: nothing that a user meets is left out."""

from __future__ import annotations

import ast
import html
import inspect
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import sagellm_benchmark
from sagellm_benchmark import causes, cli, errors
from sagellm_benchmark.chinese import CHINESE
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.cleanup import Cleaned
from sagellm_benchmark.net import peers
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.help import told_option, wrapped
from sagellm_benchmark.report.folder import save
from sagellm_benchmark.report.markdown import render_markdown
from sagellm_benchmark.report.publishing import cleaned_markdown
from sagellm_benchmark.report.view import view
from sagellm_benchmark.text import columns, wide
from sagellm_benchmark.verdict.checks import CHECKS
from sagellm_benchmark.words import asked, retold, retold_lines, speaking
from tests import command
from tests.fakes.records import a_record
from tests.fakes.rows import new_row

pytestmark = pytest.mark.no_cover

SOURCE = Path(sagellm_benchmark.__file__).parent
PLACE = re.compile(r"\{[^{}]*\}")
SAME = (
    "pip install",
    "{} -m pip install",
    "git remote add",
)  # commands, which are the same in every language
COMMANDS = ("eval ", "sagellm-benchmark ", "outputs/ →")
FAILURES = {name for name, one in vars(errors).items() if isinstance(one, type) and name.endswith("Error")}
TELLING = {"say", "note", "waiting"}
WITHOUT_NAMES = {PLACE.sub("{}", english) for english in CHINESE}


def text_of(node: ast.expr | None, constants: dict[str, str]) -> str | None:
    """A text in the source, with {} for each part that only a run knows; None where it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp):
        parts = text_of(node.left, constants), text_of(node.right, constants)
        return None if None in parts else "".join(map(str, parts))
    return None


def failures_in(path: Path) -> Iterator[str]:
    """Every message and hint of the errors that a module raises."""
    tree = ast.parse(path.read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in FAILURES
        ):
            hints = (keyword.value for keyword in node.keywords if keyword.arg == "hint")
            for part in (*node.args[:1], *hints):
                if (text := text_of(part, constants)) is not None:
                    yield PLACE.sub("{}", text)


@cache
def all_failures() -> frozenset[str]:
    found = {one for path in SOURCE.rglob("*.py") for one in failures_in(path)}
    found -= {one for one in found if not re.search("[A-Za-z]{2}", PLACE.sub("", one))}
    return frozenset(one for one in found if not one.startswith(SAME))


def help_texts() -> Iterator[str]:
    for one in (cli.main, *cli.main.commands.values()):
        for part in inspect.cleandoc(one.help or "").split("\n\n"):
            if part.startswith("\b"):
                yield from re.findall(r"(?m)^\S(?:.*?\S)?\s{4,}(\S.*)$", part)
            else:
                yield " ".join(part.split())
        for option in one.params:
            yield getattr(option, "heading", "")
            yield " ".join((getattr(option, "help", None) or "").split())


def is_prose(text: str) -> bool:
    return bool(re.search("[A-Za-z]{2}", text)) and not text.startswith(COMMANDS)


def test_there_are_many_failures_and_help_texts_to_look_at() -> None:
    assert len(all_failures()) > 400
    assert len(set(help_texts())) > 150


def test_every_failure_is_there_in_chinese() -> None:
    assert all_failures() - WITHOUT_NAMES == set()


def notes_in(path: Path) -> Iterator[str]:
    """Every line of what a module tells the user while it works, by `say`, `note` or `waiting`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in TELLING:
            text = text_of(node.args[0], {}) if node.args else None
            yield from filter(is_prose, PLACE.sub("{}", text or "").split("\n"))


def test_every_step_and_every_note_is_there_in_chinese() -> None:
    told = {line for path in SOURCE.rglob("*.py") for line in notes_in(path)}
    assert len(told) > 20
    assert told - WITHOUT_NAMES == set()


def test_every_help_text_is_there_in_chinese() -> None:
    assert set(filter(is_prose, help_texts())) - set(CHINESE) == set()


def test_every_rule_of_options_is_there_in_chinese() -> None:
    said = [text for one in rules.CONTRADICTIONS for text in (one.message, one.hint)]
    said += [text for one in rules.NEEDS for text in (one.purpose, one.hint)]
    with speaking("zh"):
        assert [text for text in said if retold(text) == text] == []


def test_every_cause_of_a_broken_connection_is_there_in_chinese() -> None:
    known = [text for _, one in causes._OF_A_KIND for text in one]
    known += [text for pair in causes._CERTIFICATE.values() for text in pair]
    known += [text for peer in (peers.LLM_SERVER, peers.HUB) for text in (peer.name, peer.not_json)]
    known += [str(peers.LLM_SERVER.status_hint(status)) for status in (401, 403, 404, 429, 500, 503)]
    with speaking("zh"):
        assert [text for text in known if retold(text) == text] == []


def test_no_template_is_so_general_that_it_fits_what_it_does_not_mean() -> None:
    general = [
        one for one in CHINESE if PLACE.search(one) and not re.search(r"\w{2}|--", PLACE.sub(" ", one))
    ]
    assert general == []


def test_a_failure_of_several_lines_keeps_what_stands_before_each() -> None:
    with speaking("zh"):
        said = retold_lines("these rows may not be published; nothing was sent:\n       ✗ 1")
    assert said == "这些记录不能发布；没有发送任何内容：\n       ✗ 1"


@pytest.mark.parametrize("folder", ["run", "memory", "none"])
def test_a_folder_that_is_called_like_a_word_keeps_its_name(folder: str) -> None:
    with speaking("zh"):
        said = retold(f"cannot read {folder}: No such file or directory")
    assert said == f"无法读取 {folder}：没有这个文件或文件夹"


@pytest.mark.parametrize("options", ["--ramp", "--model", "--ramp, --client-processes"])
def test_an_option_that_is_called_like_a_word_keeps_its_name(options: str) -> None:
    with speaking("zh"):
        assert retold(f"{options}: add --base-url") == f"{options}：加上 --base-url"
        assert retold("--model is empty") == "--model 是空的"


@pytest.mark.parametrize(
    ("words", "language"),
    [
        (["run", "--lang", "zh"], "zh"),
        (["run", "--help", "--lang=zh"], "zh"),
        (["--lang"], None),
        (["run", "--lang", "fr"], None),
    ],
)
def test_the_language_asked_for_counts_wherever_it_stands(words: list[str], language: str | None) -> None:
    assert asked(words) == language


def test_a_line_of_help_is_as_wide_as_asked_and_begins_with_no_comma() -> None:
    lines = wrapped("测量一个模型，写出它的报告和排行榜记录，abc def。", 14).split("\n")
    assert "".join(lines).replace(" ", "") == "测量一个模型，写出它的报告和排行榜记录，abcdef。"
    assert all(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) <= 16 for line in lines)
    assert not any(line.startswith("，") for line in lines)


def test_an_option_says_its_default_in_chinese_too() -> None:
    with speaking("zh"):
        assert told_option("The dataset.  [default: a/b]") == "数据集。  [默认：a/b]"


@pytest.mark.with_children
@pytest.mark.slow
def test_help_misuse_and_failures_speak_chinese(tmp_path: Path) -> None:
    """One command each, as a user with a Chinese locale, or with --lang, meets them."""
    locale = {"LC_ALL": "zh_CN.UTF-8"}
    shown = command.run("run", "--help", cwd=tmp_path, env=locale)
    assert "用法：" in shown.stdout
    assert "测量什么" in shown.stdout
    assert "命令:" in command.run("--help", "--lang", "zh", cwd=tmp_path).stdout
    misused = command.run("run", "--nothing", cwd=tmp_path, env=locale)
    assert misused.returncode == Exit.USAGE
    assert misused.stderr.startswith("错误：没有选项 '--nothing'")
    assert misused.stderr.endswith("\n下一步：查看它接受什么：python -m sagellm_benchmark run --help\n")
    failed = command.run("report", "nothing", "--lang", "zh", cwd=tmp_path)
    assert failed.returncode == Exit.DATA
    assert failed.stderr.startswith("错误：nothing 没有已完成的运行\n下一步：")
    before = command.run("--lang", "zh", "report", "nothing", cwd=tmp_path)
    assert before.stderr == failed.stderr
    unreachable = command.run("run", "--base-url", "http://127.0.0.1:9", cwd=tmp_path, env=locale)
    assert "那里没有服务在监听" in unreachable.stderr
    assert "启动服务，或检查主机和端口" in unreachable.stderr


def test_what_click_writes_in_english_stays_as_it_is() -> None:
    page = CliRunner().invoke(cli.main, ["run", "--help"], env={"LC_ALL": "C"}).output
    assert page.startswith("Usage: ")
    assert "What is measured:" in page


SAYS = {"Kind", "Problem", "only", "Rule"}  # whose texts say what a field may hold
FOR_SCRIPTS = re.compile("json|data")


def prose_in(path: Path) -> Iterator[str]:
    """Every line of words that a module shows to people: not its docstrings, nor what it writes as JSON."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef) and not FOR_SCRIPTS.search(function.name):
            inside = {
                id(part)
                for one in ast.walk(function)
                if isinstance(one, ast.JoinedStr)
                for part in one.values
            }
            for node in ast.walk(ast.Module(function.body[1 if ast.get_docstring(function) else 0 :], [])):
                if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inside:
                    text = text_of(node, {}) or ""
                    if len(re.findall(r"\b[a-z]{2,}\b", PLACE.sub(" ", text))) > 2:
                        yield PLACE.sub("{}", re.sub(r"^\s*(?:[✗✓?→-] )?", "", text))


def test_what_the_doctor_finds_is_there_in_chinese() -> None:
    said = set(prose_in(SOURCE / "doctor.py")) - set(failures_in(SOURCE / "doctor.py"))
    pieces = {piece.strip(" :;,") for one in said for piece in one.split("{}")}
    commands = {one for one in pieces if one.startswith(("git config", "git remote", "pip install"))}
    assert {one for one in pieces - commands if not any(one in whole for whole in WITHOUT_NAMES)} == set()


@pytest.mark.parametrize(
    "path", ["board/rules.py", "board/schema.py", "board/hostile.py", "board/lookalike.py"]
)
def test_what_a_rows_fields_may_hold_is_there_in_chinese(path: str) -> None:
    tree = ast.parse((SOURCE / path).read_text())
    said = {
        PLACE.sub("{}", text_of(argument, {}) or "")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in SAYS
        for argument in call.args
        if isinstance(argument, ast.Constant | ast.JoinedStr)
    }
    pieces = {piece.strip(" :,") for one in said if " " in one for piece in one.split("{}") if " " in piece}
    assert {one for one in pieces if not any(one in whole for whole in WITHOUT_NAMES)} == set()


@pytest.mark.parametrize("name", ["board", "comparison", "diagnosis", "matrix", "proof", "publishing"])
def test_what_commands_answer_is_there_in_chinese(name: str) -> None:
    said = set(prose_in(SOURCE / "report" / f"{name}.py"))
    failures = set(failures_in(SOURCE / "report" / f"{name}.py"))
    pieces = {one.strip(" :") for one in said - failures} - {"more than {} more {}s"}  # repeats, or rounds
    assert {one for one in pieces if not any(one in whole for whole in WITHOUT_NAMES)} == set()


@pytest.mark.parametrize(
    "path",
    [
        *sorted({f"verdict/{check.__module__.rpartition('.')[2]}.py" for check in CHECKS}),
        *("verdict/evidence.py", "runs/row.py", "board/plausible.py", "runs/foreign/side.py"),
    ],
)
def test_every_reason_against_a_run_or_a_row_is_there_in_chinese(path: str) -> None:
    pieces = {
        one.removeprefix("{}").strip(" :") for one in prose_in(SOURCE / path)
    }  # {}: what all such begin with
    assert {one for one in pieces if not any(one in whole for whole in WITHOUT_NAMES)} == set()


@pytest.mark.slow
def test_commands_answer_in_chinese_and_their_json_stays_english(tmp_path: Path) -> None:
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    for name, memory in (("Q1_20260309_001", 312.4), ("Q1_20260310_001", 313.0)):
        save(tmp_path / "outputs/vllm/m" / name, a_record(peak_memory_mib=memory))
    runs = [str(path.relative_to(tmp_path)) for path in sorted((tmp_path / "outputs/vllm/m").glob("Q1*"))]
    compared = command.run("compare", *runs, cwd=tmp_path, env=chinese)
    assert "无法判断：" in compared.stdout
    assert "吞吐, tokens/s" in compared.stdout
    merged = command.run("aggregate", "--offline", cwd=tmp_path, env=chinese)
    assert "outputs/ 下有 2 个已完成的运行：" in merged.stdout
    assert "略过，不可发布：" in merged.stdout
    (tmp_path / "hf_data/leaderboard_single.json").write_bytes(to_json([new_row()]))
    assert "1 条记录中有 1 条有效" in command.run("validate", cwd=tmp_path, env=chinese).stdout
    examined = command.run("doctor", cwd=tmp_path, env=chinese).stdout
    assert "正常  Python" in examined
    assert "→ 检查网络或 HF_ENDPOINT" in examined
    as_json = command.run("compare", *runs, "--json", cwd=tmp_path, env=chinese)
    assert as_json.stdout.isascii()
    assert "## 延迟" in render_in_chinese()


def render_in_chinese() -> str:
    with speaking("zh"):
        return render_markdown(view(a_record()))


def test_tables_with_chinese_letters_stay_aligned() -> None:
    lines = columns([("数字", "差异"), ("a", "1")])
    assert {wide(line) for line in lines} == {13}


@pytest.mark.parametrize(
    ("asked", "chinese"),
    [
        ("There is no dataset a/b. Create it?", "数据集 a/b 不存在。要创建它吗？"),
        ("Remove hf_data/x.json from origin/main, and push?", "从 origin/main 删除 hf_data/x.json 并推送？"),
    ],
)
def test_questions_are_asked_in_chinese(asked: str, chinese: str) -> None:
    with speaking("zh"):
        assert retold(asked) == chinese


def test_a_job_summary_of_what_was_cleaned_is_chinese() -> None:
    done = Cleaned(
        removed=("hf_data/ann.json",),
        reduced=("hf_data/ben.json",),
        left=("hf_data/ben.json: not published: 4711",),
        branch="main",
        commit="0" * 40,
        followed=True,
    )
    with speaking("zh"):
        said = html.unescape(cleaned_markdown(done))
    assert said.splitlines() == [
        "### 发布后的 hf_data/",
        "",
        "- ✗ 保留：hf_data/ben.json：未发布：4711",
        "- 已移除 hf_data/ann.json",
        "- hf_data/ben.json 中只剩未发布的记录",
        "",
    ]
