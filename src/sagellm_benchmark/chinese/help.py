"""What --help says of commands and options, by its English."""

from __future__ import annotations

HELP: dict[str, str] = {
    "Measure how fast an LLM serving engine answers, and publish the number.": (
        "测量大语言模型推理引擎的响应速度，并发布结果。"
    ),
    "a small real model, nothing to configure": "一个小的真实模型，无需任何配置",
    "an engine that is already serving": "已经在运行的引擎",
    "hf_data/ → the shared leaderboard": "hf_data/ → 共享排行榜",
    "Show the version and exit.": "显示版本并退出。",
    "Measure a model and write its report and leaderboard row.": "测量一个模型，写出它的报告和排行榜记录。",
    "SmolLM2-135M, real weights": "SmolLM2-135M，真实权重",
    "weights from the Hub, or dummy ones": "Hub 上的权重，没有时用随机权重（dummy）",
    "the model that is served there": "那里正在提供的模型",
    "two workloads, three times each": "两个工作负载，各三次",
    "a sweep: one row for each concurrency": "并发扫描：每个并发数一条记录",
    "an open loop": "开环",
    "two servers in turns: faster, slower, or cannot tell": "两个服务轮流测量：更快、更慢，或无法判断",
    "A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B.": (
        "GGUF 文件或文件夹、Hub 仓库，或 Qwen2-7B 这样的名称。"
    ),
    "What is measured": "测量什么",
    "A running OpenAI-compatible server. [default: $SAGELLM_BASE_URL]": (
        "已在运行的 OpenAI 兼容服务。[默认：$SAGELLM_BASE_URL]"
    ),
    "The environment variable that holds the API key.": "存放 API 密钥的环境变量。",
    "The API to measure; auto uses completions if the server has it.": (
        "要测量的 API；auto 在服务支持时用 completions。"
    ),
    "The engine to start, such as sagellm or vllm; an unknown name lists them all. With --base-url: "
    "the server's engine, if it does not report it.": (
        "要启动的引擎，例如 sagellm 或 vllm；写未知的名称会列出全部。"
        "与 --base-url 一起时：该服务的引擎，服务没有报告时使用。"
    ),
    "More options for the engine that is started.": "所启动引擎的更多选项。",
    "The environment in which the engine is installed, or its Python.": "装有引擎的环境，或其中的 Python。",
    "Create the engine's environment if there is none (several GB).": "没有引擎环境时创建它（数 GB）。",
    "Start a server with your own command.": "用你自己的命令启动服务。",
    "The engine's version, if it does not report it.": "引擎的版本，引擎没有报告时使用。",
    "The sageLLM release that this run belongs to.": "本次运行所属的 sageLLM 发布版本。",
    "The model's size, such as 7B, if the server does not report it.": "模型大小，例如 7B，服务没有报告时使用。",
    "The precision of the weights.": "权重的精度。",
    "The quantization, such as AWQ; for weights that are downloaded or made here, their GGUF type, such "
    "as Q4_0.": ("量化方式，例如 AWQ；由本工具下载或生成的权重，则为 GGUF 类型，例如 Q4_0。"),
    "Whether the server has real or dummy weights, if it does not report it.": (
        "服务用的是真实权重还是随机权重（dummy），服务没有报告时使用。"
    ),
    "Counts the tokens if the server does not: a tokenizer.json, its folder, or a Hub name.": (
        "服务不计 token 时用它来计：tokenizer.json、所在文件夹或 Hub 名称。"
    ),
    "Processor threads of the embedded engine.": "内嵌引擎的处理器线程数。",
    "Q1, Q2, … (an unknown name lists them), all, custom, or a .toml file.": (
        "Q1、Q2 等（名称不对时会列出全部）、all、custom 或一个 .toml 文件。"
    ),
    "What is asked of it": "发送什么",
    "The number of requests, instead of the workload's own.": "请求数，代替工作负载自己的数目。",
    "The prompt length of a custom workload.": "自定义工作负载的提示词长度。",
    "The answer length of a custom workload.": "自定义工作负载的回答长度。",
    "The turns per conversation of a custom workload.": "自定义工作负载的对话轮数。",
    "random, or KIND:FILE of texts (sharegpt, jsonl, text) or a trace (mooncake, burstgpt, azure, trace).": (
        "random，或 KIND:FILE：文本（sharegpt、jsonl、text）或轨迹（mooncake、burstgpt、azure、trace）。"
    ),
    "Multiplies the times of a trace: 0.5 sends it twice as fast.": "轨迹时间的倍数：0.5 表示快一倍。",
    "The same seed gives the same prompts. [default: a new one, recorded]": (
        "同样的种子得到同样的提示词。[默认：新的种子，并记录]"
    ),
    "The number of streams in a closed loop; several numbers make a sweep.": "闭环的并发数；给出多个即为扫描。",
    "How it is asked": "如何发送",
    "Open loop: requests per second, inf, or 2..20 for a ramp; several make a sweep.": (
        "开环：每秒请求数，inf，或 2..20 表示爬升；给出多个即为扫描。"
    ),
    "The distribution of the arrivals in an open loop.": "开环请求到达的分布。",
    "The shape of gamma arrivals: 1 is Poisson, less is burstier.": "gamma 到达的形状：1 即泊松，越小越突发。",
    "Spread the first requests of the streams over this many seconds.": "把各路的第一个请求分散在这么多秒内。",
    "Find the highest rate that meets --slo, by bisection.": "用二分法找出满足 --slo 的最高速率。",
    "Measure for this many seconds, instead of a number of requests.": "测量这么多秒，而不是按请求数。",
    "What counts": "计入什么",
    "Measure this many times, to get an interval.": "测量这么多次，以得到区间。",
    "The number of requests before the measured ones.": "正式测量之前的请求数。",
    "With --duration: seconds at the start that are not measured.": "与 --duration 一起：开头不计的秒数。",
    "With --duration: seconds at the end that are not measured.": "与 --duration 一起：结尾不计的秒数。",
    "Objectives for ttft, tpot, itl or e2e; gives the goodput.": "ttft、tpot、itl 或 e2e 的目标；给出 goodput。",
    "A second server: both are measured in alternating rounds with the same prompts.": (
        "第二个服务：两者用同样的提示词逐轮交替测量。"
    ),
    "Against a second server": "与第二个服务对比",
    "A second engine to start; with --versus: the second server's engine, if it does not report it.": (
        "要启动的第二个引擎；与 --versus 一起时：第二个服务的引擎，服务没有报告时使用。"
    ),
    "More options for the second engine.": "第二个引擎的更多选项。",
    "The environment of the second engine, for example another version of the first.": (
        "装有第二个引擎的环境，例如第一个引擎的另一个版本。"
    ),
    "Exit with code 6 if the second is worse, such as 'ttft.p99>+5%'.": (
        "第二个变差（例如 'ttft.p99>+5%'）时以退出码 6 结束。"
    ),
    "Spread the streams over this many processes.": "把并发请求分散到这么多个进程。",
    "The client": "客户端",
    "Send the load from the nodes of this machine's Ray cluster (docs/cluster.md).": (
        "从本机所在 Ray 集群的节点发送负载（docs/cluster.md）。"
    ),
    "With --on: the number of nodes, with --client-processes on each.": (
        "与 --on 一起：用这么多节点，每个节点 --client-processes 个进程。"
    ),
    "Also keep the raw bytes of each answer: about 200 bytes per token.": (
        "同时保存每个回答的原始字节：每个 token 约 200 字节。"
    ),
    "The most seconds for one answer.": "一个回答的秒数上限。",
    "The most seconds for a connection.": "建立连接的秒数上限。",
    "The most seconds for one load, such as a repeat; what has finished by then is kept.": (
        "一次负载（例如每次重复）的秒数上限；到那时已完成的会保留。"
    ),
    "Measure the client's own error first (about two seconds).": "先测量客户端自身的误差（约两秒）。",
    "Only note that the machine is busy, instead of making the run INVALID; also $SAGELLM_ACCEPT_BUSY.": (
        "机器繁忙时只作说明，不判运行无效；也可用 $SAGELLM_ACCEPT_BUSY。"
    ),
    "A TOML file that describes the hardware of a server on another machine.": (
        "描述另一台机器上的服务硬件的 TOML 文件。"
    ),
    "What it runs on": "在什么上运行",
    "The vendor of the chips.": "芯片的厂商。",
    "The model of the chips, such as 'NVIDIA A100 80GB PCIe'.": "芯片型号，例如 'NVIDIA A100 80GB PCIe'。",
    "The number of chips on all nodes together.": "所有节点的芯片总数。",
    "The number of nodes; more than one needs the three options below, or --hardware.": (
        "节点数；多于一个时需要下面三项，或 --hardware。"
    ),
    "The communication library between nodes, such as NCCL.": "节点间的通信库，例如 NCCL。",
    "The kind of network between nodes, such as fat-tree.": "节点间的网络类型，例如 fat-tree。",
    "The layout of the nodes, such as '2 × 8 chips'.": "节点的布局，例如 '2 × 8 chips'。",
    "The link between chips: NVLink, PCIe, HCCS, None, …": "芯片之间的互连：NVLink、PCIe、HCCS、None……",
    "The memory of one chip, in GiB.": "单个芯片的内存，GiB。",
    "The hourly price of the server's hardware; gives the cost of a million input and output tokens.": (
        "服务硬件每小时的费用：给出输入和输出每百万 token 的成本。"
    ),
    "Whose row this is; else $SAGELLM_SUBMITTER, else git's user.name.": (
        "这条记录是谁的；否则取 $SAGELLM_SUBMITTER，再否则取 git 的 user.name。"
    ),
    "Results": "结果",
    "The folder in which the run's own folder is created.": "在哪个文件夹中创建运行的文件夹。",
    "Print the summaries as JSON and nothing else.": "把摘要输出为 JSON，不输出其他内容。",
    "Print nothing but errors; the exit code says whether the run is valid.": (
        "只输出错误；运行是否有效由退出码说明。"
    ),
    "The language of the screen and the report. [default: the locale's]": "屏幕和报告的语言。[默认：系统语言环境]",
    "Open report.html at the end; on a desktop, you are asked.": "运行结束时打开 report.html；在桌面上会先询问。",
    "Measure every engine, model, workload and load of PLAN, each exactly once.": (
        "测量 PLAN 中的每个引擎、模型、工作负载和负载，每个恰好一次。"
    ),
    "If it is interrupted, start it again and it continues. If you change the plan, it measures what is "
    "new.": ("中断后再次启动会继续；计划改动后只测量新的部分。"),
    "Print the result as JSON and nothing else.": "把结果输出为 JSON，不输出其他内容。",
    "Print nothing but errors; the exit code tells the result.": "只输出错误；结果由退出码说明。",
    "The language. [default: the locale's]": "语言。[默认：系统语言环境]",
    "The folder of its cells. [default: outputs/matrix/NAME]": "各单元放在哪里。[默认：outputs/matrix/NAME]",
    "Continue an interrupted plan, as every start does.": "从停下的地方继续；每次启动都会这样。",
    "Measure on the nodes of a Ray cluster, several cells at a time.": "在 Ray 集群的节点上测量，同时测量多个单元。",
    "Start the engine of a run and print its address, until Ctrl-C; `matrix` uses this for several runs.": (
        "启动一次运行的引擎并给出其地址，直到 Ctrl-C；`matrix` 用它供多次运行使用。"
    ),
    "Check the plan and list its cells, but measure nothing.": "检查计划并列出各单元；不测量。",
    "Show what is measured and what is not yet; measure nothing.": "说明哪些已测量、哪些没有；不测量。",
    "Show finished runs again: those in FOLDERS, or the newest one under outputs/.": (
        "再次显示已完成的运行：FOLDERS 中的，否则 outputs/ 下最新的一个。"
    ),
    "Also write the run's requests as a CSV file.": "同时把运行的请求写成 CSV 文件。",
    "The same as a Parquet file; needs the extra `parquet`.": "同样的内容写成 Parquet 文件；需要附加组件 `parquet`。",
    "Also write the pictures to plots/ in each run's folder; png needs the extra `plot`.": (
        "同时把图写入每个运行的 plots/；png 需要附加组件 `plot`。"
    ),
    "Say whether each run is faster or slower than the first, or what is needed to tell.": (
        "说明每个运行比第一个更快还是更慢，或怎样才能判断。"
    ),
    "RUNS are two or more folders of finished runs, files with a row, or results of guidellm "
    "(benchmarks.json; FILE:2 is its second) and aiperf (profile_export.jsonl). Our checks judge the "
    "requests in those, too.": (
        "RUNS 是两个或更多已完成运行的文件夹、记录文件，或 guidellm（benchmarks.json，FILE:2 "
        "表示其中第二个）和 aiperf（profile_export.jsonl）的结果；它们的请求也会经过我们的检查。"
    ),
    "Exit with code 6 on a regression such as 'ttft.p99>+5%'.": "出现退步（例如 'ttft.p99>+5%'）时以退出码 6 结束。",
    "The difference, in %, that should be found.": "要发现的差异，%。",
    "Also compare runs that differ in load, model or hardware, and INVALID ones.": (
        "负载、模型或硬件不同的运行，以及无效的运行，也进行比较。"
    ),
    "Measure, and exit with code 6 if it is worse than the recorded baseline beyond noise.": (
        "测量；如果比记录的基线差，且噪声无法解释，则以退出码 6 结束。"
    ),
    "on a version that you trust": "在可信的版本上",
    "after each change": "每次改动之后",
    "The folder of the recorded run.": "记录的运行所在的文件夹。",
    "Make this run the baseline, if it is valid.": "如果本次运行有效，把它作为基线。",
    "A change that fails, such as 'ttft.p99>+5%'. [default: throughput<-5%, ttft>+10%, itl>+5%]": (
        "算作失败的变化，例如 'ttft.p99>+5%'。[默认：throughput<-5%, ttft>+10%, itl>+5%]"
    ),
    "Compare with the baseline even if the load or the hardware differs.": "负载或硬件不同时也与基线对比。",
    "Merge every finished run's row with the published board into hf_data/.": (
        "把每个已完成运行的记录与已发布的榜单合并到 hf_data/。"
    ),
    "The folder with the runs.": "运行所在的文件夹。",
    "The folder to which the boards are written.": "写入榜单的文件夹。",
    "Download nothing. This is safe, because publishing merges again.": (
        "不下载任何内容；是安全的，因为发布时会再次合并。"
    ),
    "The dataset.": "数据集。",
    "Aggregate, commit hf_data/ and push it. No row is lost, even if others push at the same time.": (
        "汇总、提交 hf_data/ 并推送。即使别人同时推送，也不会丢失任何记录。"
    ),
    "The folder with the boards.": "榜单所在的文件夹。",
    "Do not read the dataset; publishing merges again.": "不读取数据集；发布时会再次合并。",
    "Join two versions of a file in hf_data/ for git, which names their common ancestor, ours and theirs.": (
        "为 git 合并 hf_data/ 中一个文件的两个版本；git 给出共同祖先、我方和对方。"
    ),
    "Check leaderboard rows: those in FILES, or those in hf_data/.": (
        "检查排行榜记录：FILES 中的，否则 hf_data/ 中的。"
    ),
    "Check them by all the rules for new rows, including their numbers.": "按新记录的全部要求检查，包括数字。",
    "Check hf_data/ as publishing will: rows that are not published yet must obey the rules for new rows.": (
        "按发布时的规则判断 hf_data/：不在已发布榜单上的，按新记录的规则检查。"
    ),
    "A shared folder instead of the dataset.": "用共享文件夹代替数据集。",
    "Merge the rows in hf_data/ into the shared leaderboard.": "把 hf_data/ 中的记录合并到共享排行榜。",
    "No row is lost, even if others publish at the same time.": "即使别人同时发布，也不会丢失任何记录。",
    "The folder with the rows.": "记录所在的文件夹。",
    "Say what would happen to each row, and write nothing.": "说明每条记录会怎样，不写入任何内容。",
    "Write the merged boards to hf_data/, and upload nothing.": "把合并后的榜单写入 hf_data/，不上传。",
    "Skip the rows that may not be published, and list them.": "略过不能发布的记录，并列出它们。",
    "Create the dataset without asking, if there is none.": "没有数据集时直接创建，不询问。",
    "Also write the leaderboard page (index.html) to the dataset.": "把榜单页面 index.html 也写入数据集。",
    "Remove the files in hf_data/ from the remote git branch, once their rows are proved to be published.": (
        "hf_data/ 中的记录证实已发布之后，从远程 git 分支移除这些文件。"
    ),
    "Push without asking.": "不询问就推送。",
    "Take an accepted row off the board for good, with a signed statement.": "用签名声明永久撤下一条已接受的记录。",
    "The rows that it beat come back.": "被它超过的记录随之回来。",
    "ROW is a published row's id, its file, or its run's folder. The statement counts if it is signed by "
    "whoever signed the row, or by a maintainer named in the dataset. Without --key, a browser asks who "
    "you are (Sigstore).": (
        "ROW 是已发布记录的 id、它的文件或它的运行文件夹。只有为这条记录签过名的人，"
        "或数据集指定的维护者签名才有效。不给 --key 时会在浏览器里询问你的身份（Sigstore）。"
    ),
    "The reason, in one line that everybody can read.": "原因，一行；所有人都能看到。",
    "Also rebuild the dataset's page, index.html.": "同时重新生成数据集的页面 index.html。",
    "Rebuild the boards from every row ever accepted, to prove or repair what is published.": (
        "用曾经接受的每条记录重新生成榜单，以证明或修复已发布的内容。"
    ),
    "Only compare, and exit with code 3 if the boards differ.": "只比较；榜单不同时以退出码 3 结束。",
    "Write the rebuilt files to this folder.": "把重建的文件写入这个文件夹。",
    "Sign the evidence of RUNS and add their rows to hf_data/, even if a better row is published.": (
        "为 RUNS 的证据签名，并把它们的记录放入 hf_data/，即使已有更好的记录。"
    ),
    "Without --key, a browser asks who you are (Sigstore). A key is for machines without a network, and "
    "counts once a maintainer has enrolled it.": (
        "不带 --key 时会在浏览器中询问你是谁（Sigstore）；密钥用于没有网络的机器，由维护者登记后才算数。"
    ),
    "Sign with this Ed25519 key.": "用这个 Ed25519 密钥签名。",
    "Do not sign; use this Sigstore bundle, for example from actions/attest.": (
        "不签名；采用这个 Sigstore 包，例如 actions/attest 的包。"
    ),
    "Create a key in this file.": "在这个文件中创建密钥。",
    "The folder to which the rows are added.": "记录放入的文件夹。",
    "Recompute a row from its requests, and say what does not match; exit with code 6 if anything does "
    "not.": ("由请求重新计算一条记录，并说明哪里不符；不符时以退出码 6 结束。"),
    "SUBJECT is a run's folder, a row's file, or the id of a published row. BUNDLE is the file with its "
    "evidence, if it is elsewhere.": (
        "SUBJECT 是运行的文件夹、记录的文件或已发布记录的 id。BUNDLE 是证据文件，如果它在别处。"
    ),
    "Build the leaderboard as one page that needs no server and no network.": (
        "把排行榜做成一个页面，不需要服务器，也不需要网络。"
    ),
    "the published board": "已发布的榜单",
    "the local rows, before they are published": "本地的记录，在发布之前",
    "A dataset, or a folder with rows, such as hf_data.": "数据集，或 hf_data 这样的记录文件夹。",
    "The folder to which index.html is written.": "写入 index.html 的文件夹。",
    "Also download every row that was beaten (those in a folder are always included).": (
        "同时下载每条被超过的记录；文件夹中的本来就在。"
    ),
    "Measure a row's configuration again with its own command; exit with code 6 if the result differs.": (
        "用记录自己的命令再次测量它的配置；结果不同时以退出码 6 结束。"
    ),
    "SUBJECT is a run's folder, a row's file, or the id of a published row. The new run is saved in "
    "outputs/; aggregate and publish it like any other.": (
        "SUBJECT 是运行的文件夹、记录的文件或已发布记录的 id。"
        "新的运行和其他运行一样放在 outputs/ 中，可以汇总和发布。"
    ),
    "The server on which to reproduce the row of a server.": "用来复现服务记录的服务。",
    "The hardware is what the row says; do not detect it here.": "硬件就是记录所说的，不在本机识别。",
    "Allow the row's command to start programs, read local files, or send a key.": (
        "允许记录的命令启动程序、读取这里的文件，或发送密钥。"
    ),
    "Check what is installed, reachable, logged in and blocked, and say what to do about it.": (
        "说明安装了什么、能访问什么、是否登录、什么受阻，以及该怎么办。"
    ),
    "The log of a failed workflow run, to find out what blocked it.": (
        "失败的工作流运行的日志，用来查明是什么阻挡了它。"
    ),
    "Print a script that lets SHELL complete commands and options with Tab.": (
        "输出一段脚本，让 SHELL 用 Tab 补全命令和选项。"
    ),
}
