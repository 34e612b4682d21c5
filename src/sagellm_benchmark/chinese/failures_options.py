"""What can go wrong with options that do not go together, and hints that several failures share, by their English."""

from __future__ import annotations

OPTIONS: dict[str, str] = {
    "two servers in turn are measured from one machine only": "两个服务轮流测量只能从一台机器进行",
    "leave out --on, or measure each by itself and use `compare`": "去掉 --on，或分别测量后用 `compare`",
    "--on takes the address of a Ray cluster": "--on 需要 Ray 集群的地址",
    "such as ray://auto, or ray://HOST:6379 of its head": "例如 ray://auto，或其头节点的 ray://HOST:6379",
    "--engine names an engine that cannot be started here": "--engine 所指的引擎不能在这里启动",
    "these can: {names}; for others add --launch 'CMD {model} {port}', or --base-url if one already runs": (
        "可以启动：{names}；其他引擎请加 --launch 'CMD {model} {port}'，已在运行的用 --base-url"
    ),
    "an engine that is started needs a model": "要启动的引擎需要模型",
    "add --model": "加上 --model",
    "--launch does not say where the port goes": "--launch 没有说明端口的位置",
    "write {port} where the server's port goes, and {model} for --model": (
        "在服务端口处写 {port}，在 --model 处写 {model}"
    ),
    "--concurrency is a closed loop, --rate an open one": "--concurrency 是闭环，--rate 是开环",
    "--duration and --requests both end a run": "--duration 和 --requests 都会结束运行",
    "--duration leaves nothing to measure": "--duration 没有留下可测量的时间",
    "make it longer than --warmup-seconds and --cooldown-seconds together": (
        "使它长于 --warmup-seconds 与 --cooldown-seconds 之和"
    ),
    "--rate inf sends all requests at once, so --duration has no effect": "--rate inf 一次全部发送，与 --duration 无关",
    "leave inf or --duration out": "去掉 inf 或 --duration",
    "that load has more than {count} requests": "该负载有超过 {count} 个请求",
    "--search-goodput needs objectives": "--search-goodput 需要目标",
    "add --slo ttft=200ms": "加上 --slo ttft=200ms",
    "--concurrency is a closed loop, which has no rate to find": "--concurrency 是闭环，没有可找的速率",
    "leave it out: --search-goodput chooses its own rates, from one --rate on if there is one": (
        "去掉它：--search-goodput 自己选择速率，有一个 --rate 时从它开始"
    ),
    "--search-goodput begins with one rate": "--search-goodput 从一个速率开始",
    "--search-goodput looks for one workload's rate": "--search-goodput 寻找一个工作负载的速率",
    "name one --workload": "只指明一个 --workload",
    "a trace determines what is sent and when": "何时发送什么由轨迹决定",
    "leave out --rate, --concurrency and --search-goodput; --time-scale makes it faster": (
        "去掉 --rate、--concurrency 和 --search-goodput；--time-scale 可使它更快"
    ),
    "two servers are measured in turn under one load": "两个服务在同一个负载下轮流测量",
    "name one --workload, and one --concurrency or --rate": (
        "只指明一个 --workload，以及一个 --concurrency 或 --rate"
    ),
    "rounds come in twos, so that each server goes first as often as the other": (
        "轮次成对进行，使每个服务先行的次数相同"
    ),
    "give an even number of --repeats, {fewest} or more": "给出偶数的 --repeats，至少 {fewest}",
    "--versus-engine starts an engine, but the first one already runs": (
        "--versus-engine 会启动引擎，而第一个已在运行"
    ),
    "add --versus URL, or leave --base-url and {variable} out": "加上 --versus URL，或去掉 --base-url 和 {variable}",
    "--sagellm-version is not a release": "--sagellm-version 不是发布版本",
    "write it as X.Y.Z": "写成 X.Y.Z",
    "--parameters is no size of a model": "--parameters 不是模型的大小",
    "write it such as 7B, 135M, 8x7B or 30B-A3B": "写成例如 7B、135M、8x7B 或 30B-A3B",
    "--{names}: {purpose}": "--{names}：{purpose}",
    "--slo has no metric {name}": "--slo 没有指标 {name}",
    "the metrics are {names}": "指标有 {names}",
    "nodes are those of a cluster": "节点是集群的节点",
    "add --on ray://auto": "加上 --on ray://auto",
    "the nodes of a cluster need an address that they can reach": "集群的节点需要它们能访问的地址",
    "add --base-url": "加上 --base-url",
    "the key is for a server that already runs": "密钥用于已在运行的服务",
    "this is for a server that does not report it; the embedded engine does": (
        "这用于自己没有说明的服务；内嵌引擎会自己说明"
    ),
    "add --base-url or --engine, or leave it out": "加上 --base-url 或 --engine，或去掉它",
    "the embedded engine counts tokens itself": "内嵌引擎自己计 token",
    "this is what a server was started with": "这说明服务是用什么启动的",
    "this starts a server, but one that already runs is named": "这会启动服务，而已指明一个在运行的服务",
    "leave it out, or --base-url and {variable}": "去掉它，或去掉 --base-url 和 {variable}",
    "this is for an engine that is started by its name": "这用于按名称启动的引擎",
    "add --engine, and leave --launch, --base-url and {variable} out": (
        "加上 --engine，并去掉 --launch、--base-url 和 {variable}"
    ),
    "the second server is measured in turn with a first one": "第二个服务与第一个轮流测量",
    "add --base-url, or name engines with --engine and --versus-engine": (
        "加上 --base-url，或用 --engine 和 --versus-engine 指明引擎"
    ),
    "this is for a second engine that is started by its name": "这用于按名称启动的第二个引擎",
    "add --versus-engine, and leave --versus out": "加上 --versus-engine，并去掉 --versus",
    "this limits how much worse the second server may be": "这限定第二个服务最多可以差多少",
    "add --versus or --versus-engine; for finished runs, use `compare --fail-if`": (
        "加上 --versus 或 --versus-engine；已完成的运行用 `compare --fail-if`"
    ),
    "this is for the embedded engine": "这用于内嵌引擎",
    "leave it out, or --engine, --launch, --base-url and {variable}": (
        "去掉它，或去掉 --engine、--launch、--base-url 和 {variable}"
    ),
    "this is how the requests of an open loop are spread around a finite rate": (
        "这说明开环的请求如何围绕有限的速率分布"
    ),
    "add --rate, or leave it out": "加上 --rate，或去掉它",
    "this is the shape of gamma arrivals": "这是 gamma 到达的形状",
    "add --arrival gamma, or leave it out": "加上 --arrival gamma，或去掉它",
    "this spreads the first requests of a closed loop's streams": "这会分散闭环各路的第一个请求",
    "leave it out; --rate 2..20 is a ramp of the rate": "去掉它；--rate 2..20 是速率的爬升",
    "this is the pace of a recorded trace": "这是所录轨迹的节奏",
    "add --dataset mooncake:FILE or another trace, or leave it out": (
        "加上 --dataset mooncake:FILE 或其他轨迹，或去掉它"
    ),
    "--engine-python names an existing environment, and --engine-env create makes one": (
        "--engine-python 指明已有的环境，--engine-env create 则新建一个"
    ),
    "the prompts of a dataset have lengths of their own": "数据集的提示词有各自的长度",
    "leave it out, or --dataset": "去掉它，或去掉 --dataset",
    "these are the edges of a timed run": "这些是定时运行的边缘",
    "add --duration; --warmup counts requests": "加上 --duration；--warmup 计的是请求数",
    "{name} has conversations of {turns} turns, but fewer requests: {requests}": (
        "{name} 的对话有 {turns} 轮，但请求数不足：{requests}"
    ),
    "ask for at least --requests {turns}, or for fewer turns": "至少给 --requests {turns}，或减少轮数",
    "this is for several streams, and the load has only one": "这用于多路，而该负载只有一路",
    "each process needs a stream, and there are fewer streams": "每个进程至少要有一路，而路数更少",
    "ask for fewer processes, or raise --concurrency": "减少进程数，或提高 --concurrency",
    "raise --concurrency above 1, or leave it out": "把 --concurrency 设为大于 1，或去掉它",
    "this connects several nodes, and there is only one": "这说明多个节点如何连接，而只有一个节点",
    "add --node-count, or leave it out": "加上 --node-count，或去掉它",
    "--precision says {stated}, but the weights are {known}": "--precision 写的是 {stated}，但权重是 {known}",
    "leave out --precision": "去掉 --precision",
    "--slo names {metric} twice": "--slo 重复指明了 {metric}",
    "give each metric one objective": "每个指标只给一个目标",
    "--{name} is empty": "--{name} 是空的",
    "give it a value, or leave it out": "给出一个值，或去掉它",
    "{option} names {load} twice": "{option} 重复指明了 {load}",
    "leave one of them out; --repeats measures the same load several times": (
        "去掉其中一个；要多次测量同一负载，请用 --repeats"
    ),
    # hints that several failures share
    "write requests per second: 4, or 1,2,4 for a sweep, 2..20 for a ramp, or inf for all at once": (
        "写每秒请求数：4，或 1,2,4 表示扫描，2..20 表示爬升，inf 表示一次全部发送"
    ),
    "write it as ttft=200ms,tpot=50ms": "写成 ttft=200ms,tpot=50ms",
    "give a GGUF file or folder with --model, or the address of a server with --base-url": (
        "用 --model 给出 GGUF 文件或文件夹，或用 --base-url 给出服务的地址"
    ),
    "save it as UTF-8 without a byte order mark": "存为不带字节顺序标记的 UTF-8",
    "restore it, or move `.board` away: the files stay, and their history begins anew": (
        "恢复它，或移走 `.board`：文件保留，历史重新开始"
    ),
    "PNG needs resvg-py, which is not installed": "PNG 需要 resvg-py，而它没有安装",
    "pip install 'isagellm-benchmark[plot]'; --plot svg needs nothing": (
        "pip install 'isagellm-benchmark[plot]'；--plot svg 不需要任何东西"
    ),
    "this machine has no font for the labels of a PNG": "本机没有可用来绘制 PNG 标签的字体",
    "install one, such as Debian's fonts-dejavu-core; --plot svg needs none": (
        "安装一个，例如 Debian 的 fonts-dejavu-core；--plot svg 不需要字体"
    ),
    "these rows may not be published; nothing was sent:": "这些记录不能发布；没有发送任何内容：",
    "rows in {folder}/ may not be published; nothing was pushed:": "{folder}/ 中的记录不能发布；没有推送任何内容：",
    # the screen, around failures
    "error: ": "错误：",
    "next:  ": "下一步：",
    "wait:  ": "等待：",
    "note:  ": "说明：",
    "wrote: ": "写入：",
    "Interrupted.": "已中断。",
}
