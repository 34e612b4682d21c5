"""What can go wrong with runs, workloads and files, by its English."""

from __future__ import annotations

DATA: dict[str, str] = {
    "measure again with {tool}": "用 {tool} 重新测量",
    # files
    "cannot write {a}: {b}": "无法写入 {a}：{b}",
    "{a}: {b}; its row is published as a claim": "{a}：{b}；其记录将只作为自述发布",
    "free some disk space, or choose a folder that you may write to": (
        "腾出磁盘空间，或选择可以写入的文件夹"
    ),
    "{a} is larger than {b} MiB": "{a} 大于 {b} MiB",
    "is that the file you mean?": "这是你要的文件吗？",
    "{a} is not a regular file": "{a} 不是普通文件",
    "put a plain file in its place": "换成普通文件",
    "{a} is a hard link to a file that not everybody may read": "{a} 是硬链接，指向并非人人可读的文件",
    "name an existing TOML file": "指明一个存在的 TOML 文件",
    "{a} is not TOML: {b}": "{a} 不是 TOML：{b}",
    "write lines such as {a}": "写成这样的行：{a}",
    "{a} is nested too deeply": "{a} 嵌套太深",
    # library
    "there is nothing to compare it with": "没有可以与之比较的",
    "name two runs or more": "指明两个或更多运行",
    "see `sagellm-benchmark run --help`": "见 `sagellm-benchmark run --help`",
    "run has no option {a}": "run 没有选项 {a}",
    "only the command takes {a}": "{a} 只能在命令行使用",
    "type `sagellm-benchmark run` with it": "请在终端中用 `sagellm-benchmark run` 加上该选项",
    # matrix/ledger
    "{a} is damaged": "{a} 已损坏",
    "remove it; the cell is then measured again": "移除它；该单元会重新测量",
    "this matrix is being measured already, into {a}": "这个矩阵已在测量，写入 {a}",
    "wait for it, or look at it with --status": "等它完成，或用 --status 查看",
    # matrix/plan
    "{a}: there is no {b}": "{a}：没有 {b}",
    "a plan holds {a}": "计划可含 {a}",
    "{a}: name must be a text": "{a}：name 必须是文本",
    'such as name = "nightly"': '例如 name = "nightly"',
    "{a}: repeats = {b} is not allowed": "{a}：不允许 repeats = {b}",
    "a whole number from 1 to 1000": "1 到 1000 的整数",
    "{a} has {b} cells": "{a} 有 {b} 个单元",
    "a plan may have {a}; split it": "一个计划最多 {a} 个；请拆分",
    "{a}: {b} must be tables": "{a}：{b} 必须是表",
    "write [[{a}]] and its options below it": "写上 [[{a}]]，并在下面写它的选项",
    "{a}: two of the {b} have the same name": "{a}：有两个 {b} 同名",
    "give each a name of its own": "给每个单独的名称",
    'such as name = "tuned vLLM"': '例如 name = "tuned vLLM"',
    "{a} must be a table": "{a} 必须是表",
    "with a line for each option of `run`": "每行写 `run` 的一个选项",
    "{a}: {b} cannot be set in a plan": "{a}：{b} 不是计划的选项",
    "{a}: {b} must be a text, a number, true or false": "{a}：{b} 必须是文本、数字、true 或 false",
    "fix that line": "修改那一行",
    "give each value a table of its own": "给每个值单独写一个表",
    "{a}; in a plan, options are written without --": "{a}；在计划中，选项不写 --",
    "{a}: {b} is stated in two places": "{a}：{b} 写在了两个地方",
    "leave it on one axis, or in [options]": "只留在一个轴上，或写在 [options] 中",
    # outputs
    "{a} already holds 999 runs of {b} from today": "{a} 今天已有 {b} 的 999 次运行",
    "choose another folder with --outputs": "用 --outputs 选择另一个文件夹",
    "there is no finished run under {a}": "{a} 下没有已完成的运行",
    "measure something first: sagellm-benchmark run": "先测量：sagellm-benchmark run",
    # report/baseline
    "there is no baseline in {a}": "{a} 中没有基线",
    "record one: run the same command with --record on a version that you trust": (
        "记录一个：在一切正常的地方用同一命令加 --record"
    ),
    # report/comparison
    "{a} does not hold one row": "{a} 不是恰好一条记录",
    "name a run's folder, or a file with one row": "指明运行的文件夹，或含有一条记录的文件",
    "{a} is not JSON: {b}": "{a} 不是 JSON：{b}",
    "name a run's folder, or a row's file": "指明运行的文件夹，或记录的文件",
    # report/folder
    "{a} cannot be read: {b}": "无法读取 {a}：{b}",
    "measure again, or restore the file": "重新测量，或恢复文件",
    "{a} holds no finished run: {b}": "{a} 没有已完成的运行：{b}",
    "{a} holds no finished run": "{a} 没有已完成的运行",
    "name a run's folder, such as outputs/vllm/Qwen2-7B/Q1_20260309_001": (
        "指明一次运行的文件夹，例如 outputs/vllm/Qwen2-7B/Q1_20260309_001"
    ),
    # report/table
    "{a} holds no requests: {b}": "{a} 没有请求：{b}",
    "name a run's folder under outputs/": "指明 outputs/ 下一个运行的文件夹",
    "a Parquet file needs pyarrow, which is not installed": "Parquet 文件需要 pyarrow，而它没有安装",
    # runs/codec
    "measure again; the run's requests.jsonl may still be whole": (
        "重新测量；运行的 requests.jsonl 可能仍然完好"
    ),
    "this version cannot read the run: record_version is {a} in config.json and {b} in summary.json": (
        "不是此版本能读取的运行：config.json 中 record_version 为 {a}，summary.json 中为 {b}"
    ),
    "use the version that wrote it": "用写出它的版本",
    # runs/comparison, runs/side, runs/limit
    "{a} has no figures": "{a} 没有数字",
    "compare runs that have figures": "比较测量到结果的运行",
    "{a} is not a leaderboard row: it has no metrics": "{a} 不是排行榜记录：它没有 metrics",
    "name a run folder or a row": "指明运行的文件夹或记录",
    "{a} cannot be compared with {b}:": "{a} 不能与 {b} 比较：",
    "name two different runs": "指明两次不同的运行",
    "measure both with the same client, or add --force": "用同一个客户端测量双方，或加上 --force",
    "measure again what is not valid, or add --force": "重新测量无效的运行，或加上 --force",
    "compare runs of the same load on the same hardware, or add --force": (
        "比较同样硬件上同样负载的运行，或加上 --force"
    ),
    "--fail-if does not understand {a}": "--fail-if 不理解 {a}",
    "write it as ttft.p99>+5% or throughput<-5%; the names are {a}": (
        "写成 ttft.p99>+5% 或 throughput<-5%；可用的有 {a}"
    ),
    "--fail-if {a} would call an improvement a regression": "--fail-if {a} 会把改进当成退步",
    "a figure that must not grow has a limit such as >+5%, one that must not shrink <-5%": (
        "不该增长的数字用 >+5% 这样的界限，不该下降的用 <-5%"
    ),
    # runs/foreign/files
    "{a} holds only averages, which cannot be checked": "{a} 只有平均值，没有人能检查",
    "keep aiperf's {a} beside it (--export-level records)": (
        "把 aiperf 的 {a} 放在旁边（--export-level records）"
    ),
    "name a run's folder, a row, or a client's results": "指明运行的文件夹、记录或客户端的结果",
    "{a}, line {b}, is not JSON: {c}": "{a} 第 {b} 行不是 JSON：{c}",
    # runs/foreign/guidellm
    "the file holds {a} benchmarks of guidellm": "文件含有 guidellm 的 {a} 个 benchmark",
    "name one of them, as FILE:1": "指明其中之一，写成 FILE:1",
    "the file holds {a} benchmarks of guidellm, and no {b}": (
        "文件含有 guidellm 的 {a} 个 benchmark，没有第 {b} 个"
    ),
    # runs/foreign/side
    "{a} holds no answered request": "{a} 没有得到回答的请求",
    # runs/grounds
    "the grounds of the run's figures are damaged: {a}": "运行所依据的内容已损坏：{a}",
    "restore its evidence, or measure again": "恢复它的证据，或重新测量",
    # runs/measure
    "{a} needs a context of {b} tokens; the server's is {c}": (
        "{a} 需要 {b} 个 token 的上下文；服务只有 {c}"
    ),
    "start the server with a longer context, or choose a shorter workload": (
        "用更长的上下文启动服务，或选择更短的工作负载"
    ),
    "{a} did not answer the warm-up within --timeout": "{a} 没有在 --timeout 内回答预热请求",
    "look at the server's log, or give a longer --timeout": "查看服务的日志，或给更多时间",
    "{a} answers, but not as requested: {b}": "{a} 有回答，但不是所要求的：{b}",
    "look at the server's log; --warmup 0 measures anyway and counts every failure": (
        "查看服务的日志；--warmup 0 仍会测量，并计入每个失败"
    ),
    "{a} did not answer the warm-up: {b}": "{a} 没有回答预热请求：{b}",
    "that load has {a} requests": "该负载有 {a} 个请求",
    "give a lower --rate or a shorter --duration": "给出更低的 --rate 或更短的 --duration",
    # runs/pipeline
    "only the command line can send a load from a cluster": "只有命令行才能从集群发送负载",
    "use the command `run --on`": "在那里输入 `run --on`",
    # runs/requests
    "line {a} of {b} is damaged: {c}": "{b} 第 {a} 行已损坏：{c}",
    # runs/versus
    "there is no round in which both servers were measured": "没有两个服务都被测量的一轮",
    "run again": "重新运行",
    # workload/datasets
    "there is no dataset {a}": "没有数据集 {a}",
    "choose random, or one of {a}": "选择 random，或 {a} 之一",
    "{a} holds {b} usable conversations; the run asks for {c}": "{a} 有 {b} 个可用对话；运行要求 {c} 个",
    "ask for fewer --requests, or give a larger file: a prompt sent twice may be answered from a cache": (
        "减少 --requests，或给出更大的文件：发送两次的提示词会由缓存回答"
    ),
    "{a} holds no list of conversations": "{a} 不是对话的列表",
    "ShareGPT files begin with [": "ShareGPT 文件以 [ 开头",
    "{a}, entry {b}: no list of conversations": "{a} 第 {b} 项：不是对话的列表",
    "see the ShareGPT format": "见 ShareGPT 格式",
    "is it cut off? Fetch it again": "它被截断了吗？重新获取",
    # workload/lines
    "{a}, line {b}: {c}": "{a} 第 {b} 行：{c}",
    "fix that line or leave it out": "修改那一行或去掉它",
    "check the path after the colon of --dataset": "检查 --dataset 冒号后的路径",
    "{a} is larger than 1 GiB": "{a} 大于 1 GiB",
    "give a part of it": "给出其中一部分",
    "check its permissions": "检查它的权限",
    # workload/prompts
    "a prompt of {a} tokens has no room: the server's chat template alone takes {b}": (
        "{a} 个 token 的提示词放不下：服务的对话模板本身就占 {b} 个"
    ),
    "use --api completions, or a workload with longer prompts": (
        "用 --api completions，或提示词更长的工作负载"
    ),
    # workload/recipe
    "the recipe of the prompts is damaged: {a}": "生成提示词所依据的内容已损坏：{a}",
    # workload/schedule
    "a {a} of {b} sends nothing": "{b} 的 {a} 不会发送任何内容",
    "give a {a} above 0": "给出大于 0 的 {a}",
    "a ramp goes between two finite rates": "爬升在两个有限的速率之间",
    "use --rate inf to send all at once": "用 --rate inf 一次全部发送",
    "the trace's timestamps are not in order": "轨迹的时间戳没有按顺序",
    "sort the trace by its timestamps": "按时间戳给轨迹排序",
    # workload/traces
    "{a} lasts more than a week, or holds more than {b} requests": "{a} 长于一周，或含有超过 {b} 个请求",
    "send a part of it with --requests or --duration, or all of it faster with --time-scale; "
    "timestamps in milliseconds belong in timestamp_ms, or in a mooncake: file": (
        "用 --requests 或 --duration 发送一部分，或用 --time-scale 更快地全部发送；毫秒时间戳应放在 "
        "timestamp_ms 或 mooncake: 文件中"
    ),
    "{a} holds no requests": "{a} 没有请求",
    "give a trace with a request on each line": "给出每行一个请求的轨迹",
    # workload/workloads
    "there is no workload {a}": "没有工作负载 {a}",
    "choose from {a}, all, custom, or a .toml file": "从 {a}、all、custom 或 .toml 文件中选择",
    "{a}: {b} is a documented workload, whose lengths are part of its name": (
        "{a}：{b} 是文档中的工作负载，长度是名称的一部分"
    ),
    "choose another name": "换一个名称",
    "{a}: {b} is missing": "{a}：缺少 {b}",
    "docs/workloads.md shows a whole file": "docs/workloads.md 给出了完整的文件",
    "{a}: there is no field {b}": "{a}：没有字段 {b}",
    "{a}: {b} = {c} is not allowed": "{a}：不允许 {b} = {c}",
    "write whole numbers from 1 on": "写从 1 起的整数",
}
