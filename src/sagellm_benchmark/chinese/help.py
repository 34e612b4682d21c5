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
    "the Hub's weights, else dummy ones": "Hub 上的权重，否则用虚拟权重",
    "whatever is served there": "那里正在提供的模型",
    "two workloads, three times each": "两个工作负载，各三次",
    "a sweep: one row a load": "扫描：每个负载一条记录",
    "an open loop": "开环",
    "two servers in turn: faster, slower, or cannot tell": "两个服务轮流测量：更快、更慢，或无法判断",
    "A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B.": (
        "GGUF 文件或文件夹、Hub 仓库，或 Qwen2-7B 这样的名称。"
    ),
    "What is measured": "测量什么",
    "An OpenAI-compatible server that runs already; else $SAGELLM_BASE_URL.": (
        "已在运行的 OpenAI 兼容服务；否则取 $SAGELLM_BASE_URL。"
    ),
    "The environment variable that holds the API key.": "存放 API 密钥的环境变量。",
    "The API to measure; auto takes completions where the server has it.": (
        "要测量的 API；auto 在服务支持时用 completions。"
    ),
    "sagellm, vllm, sglang, lmdeploy, transformers or llama.cpp: the engine to start; with --base-url "
    "the server's, where it does not say so itself.": (
        "sagellm、vllm、sglang、lmdeploy、transformers 或 llama.cpp：要启动的引擎；与 --base-url 一起时说"
        "明服务自己没有说明的引擎。"
    ),
    "More options of the engine that is started.": "所启动引擎的更多选项。",
    "The environment that holds the engine, or the Python in it.": "装有引擎的环境，或其中的 Python。",
    "Make the engine's environment where there is none (gigabytes).": "没有引擎环境时创建它（数 GB）。",
    "Start a server by a command of your own.": "用你自己的命令启动服务。",
    "The engine's version, where it does not say so itself.": "引擎的版本，服务自己没有说明时使用。",
    "The sageLLM release this belongs to.": "所属的 sageLLM 发布版本。",
    "The model's size, such as 7B, where the server does not say it.": (
        "模型大小，例如 7B，服务自己没有说明时使用。"
    ),
    "Of the weights.": "权重的精度。",
    "Such as AWQ; for our own weights the type to fetch or write, such as Q4_0.": (
        "例如 AWQ；对我们自己的权重，是要下载或写出的类型，例如 Q4_0。"
    ),
    "What a server was started with, where it does not say so itself.": (
        "启动服务所用的权重，服务自己没有说明时使用。"
    ),
    "Counts tokens where the server does not: a tokenizer.json, its folder, or a Hub name.": (
        "服务不计 token 时用它来计：tokenizer.json、所在文件夹或 Hub 名称。"
    ),
    "Processor threads of the embedded engine.": "内嵌引擎的处理器线程数。",
    "Q1 … Q8, all, custom, or a .toml file.": "Q1 … Q8、all、custom 或一个 .toml 文件。",
    "What is asked of it": "发送什么",
    "How many requests, instead of the workload's own number.": "请求数，代替工作负载自己的数目。",
    "Prompt length of a custom workload.": "自定义工作负载的提示长度。",
    "Answer length of a custom workload.": "自定义工作负载的回答长度。",
    "Turns of a conversation of a custom workload.": "自定义工作负载的对话轮数。",
    "random, or KIND:FILE of texts (sharegpt, jsonl, text) or a trace (mooncake, burstgpt, azure, trace).": (
        "random，或 KIND:FILE：文本（sharegpt、jsonl、text）或轨迹（mooncake、burstgpt、azure、trace）。"
    ),
    "Of a trace's times: 0.5 sends it twice as fast.": "轨迹时间的倍数：0.5 表示快一倍。",
    "Repeats a run's prompts. [default: a new one, recorded]": (
        "重复一次运行的提示。[默认：新的种子，并记录]"
    ),
    "Streams of a closed loop; several make a sweep.": "闭环的并发路数；给出多个即为扫描。",
    "How it is asked": "如何发送",
    "Open loop: requests per second, inf, or 2..20 for a ramp; several make a sweep.": (
        "开环：每秒请求数，inf，或 2..20 表示爬升；给出多个即为扫描。"
    ),
    "How the requests of an open loop are spread.": "开环请求如何分布。",
    "Shape of the gamma arrivals.": "gamma 到达的形状。",
    "Spread the streams' first requests over so many seconds.": "把各路的第一个请求分散在这么多秒内。",
    "Find the highest rate that keeps --slo, by bisection.": "用二分法找出满足 --slo 的最高速率。",
    "Measure for so many seconds instead of so many requests.": "测量这么多秒，而不是这么多请求。",
    "What counts": "计入什么",
    "Measure so many times, for an interval.": "测量这么多次，以得到区间。",
    "Requests before the measured ones.": "正式测量之前的请求数。",
    "With --duration: not measured at the start.": "与 --duration 一起：开头不计的秒数。",
    "With --duration: not measured at the end.": "与 --duration 一起：结尾不计的秒数。",
    "Objectives on ttft, tpot, itl, e2e: gives the goodput.": "ttft、tpot、itl、e2e 的目标：给出有效吞吐。",
    "A second server: both are measured in turn, round by round, by the same prompts.": (
        "第二个服务：两者用同样的提示逐轮交替测量。"
    ),
    "Against another, in turn": "与另一个轮流对比",
    "A second engine to start; with --versus the second server's, where it does not say so itself.": (
        "要启动的第二个引擎；与 --versus 一起时说明第二个服务自己没有说明的引擎。"
    ),
    "More options of the second engine.": "第二个引擎的更多选项。",
    "The environment that holds the second engine: another version of the first, for one.": (
        "装有第二个引擎的环境，例如第一个引擎的另一个版本。"
    ),
    "Exit 6 on a regression of the second, such as 'ttft.p99>+5%'.": (
        "第二个出现退步（例如 'ttft.p99>+5%'）时以 6 退出。"
    ),
    "Spread the streams over processor cores.": "把各路分散到多个处理器核。",
    "The client": "客户端",
    "Send the load from the nodes of the Ray cluster that this machine is one of (docs/cluster.md).": (
        "从本机所在 Ray 集群的节点发送负载（docs/cluster.md）。"
    ),
    "With --on: on so many nodes, --client-processes on each.": (
        "与 --on 一起：用这么多节点，每个节点 --client-processes 个进程。"
    ),
    "Keep each answer's bytes as they came, too: some 200 bytes a token.": (
        "同时保存每个回答的原始字节：每个 token 约 200 字节。"
    ),
    "Seconds for one answer.": "一个回答的秒数上限。",
    "Seconds for a connection.": "一个连接的秒数上限。",
    "Seconds for one load, such as each repeat; what has finished by then is kept.": (
        "一次负载（例如每次重复）的秒数上限；到那时已完成的会保留。"
    ),
    "Measure the client's own error first (about two seconds).": "先测量客户端自身的误差（约两秒）。",
    "Do not hold other programs on this machine against the run, but say it; also $SAGELLM_ACCEPT_BUSY.": (
        "本机其他程序不使运行无效，只作说明；也可用 $SAGELLM_ACCEPT_BUSY。"
    ),
    "A TOML file that describes the hardware of a server elsewhere.": "描述别处服务硬件的 TOML 文件。",
    "What it runs on": "在什么上运行",
    "The maker of its chips.": "芯片的厂商。",
    "Such as 'NVIDIA A100 80GB PCIe'.": "例如 'NVIDIA A100 80GB PCIe'。",
    "Over all nodes.": "所有节点合计。",
    "More than one needs the three below, or a --hardware file.": (
        "多于一个时需要下面三项，或一个 --hardware 文件。"
    ),
    "Of several nodes, such as NCCL.": "多节点时，例如 NCCL。",
    "Of several nodes, such as fat-tree.": "多节点时，例如 fat-tree。",
    "Of several nodes, such as '2 × 8 chips'.": "多节点时，例如 '2 × 8 chips'。",
    "Between chips: NVLink, PCIe, HCCS, None, …": "芯片之间：NVLink、PCIe、HCCS、None……",
    "Of one chip.": "每个芯片的。",
    "What the server's hardware costs an hour: gives the cost of a million tokens, in and out.": (
        "服务硬件每小时的费用：给出输入和输出每百万 token 的成本。"
    ),
    "Whose row this is; else $SAGELLM_SUBMITTER, else git's user.name.": (
        "这条记录是谁的；否则取 $SAGELLM_SUBMITTER，再否则取 git 的 user.name。"
    ),
    "Results": "结果",
    "Where the run's folder is made.": "运行文件夹创建在哪里。",
    "Print the summaries as JSON and nothing else.": "把摘要输出为 JSON，不输出其他内容。",
    "Print nothing but errors; the exit code says whether the run is valid.": (
        "只输出错误；运行是否有效由退出码说明。"
    ),
    "The language of screen and report; else the locale's.": "屏幕和报告的语言；否则按系统语言环境。",
    "Open report.html when the run is over; on a desktop it is asked.": (
        "运行结束时打开 report.html；在桌面上会先询问。"
    ),
    "Measure every engine, model, workload and load of PLAN, each exactly once.": (
        "测量 PLAN 中的每个引擎、模型、工作负载和负载，每个恰好一次。"
    ),
    "Starting it again goes on where it was stopped, whatever stopped it, and measures what is new in "
    "a changed plan.": ("再次启动会从停下的地方继续，无论因何停下；计划改动后只测量新的部分。"),
    "Print the result as JSON and nothing else.": "把结果输出为 JSON，不输出其他内容。",
    "Print nothing but errors; the exit code says it.": "只输出错误；结果由退出码说明。",
    "The language; else the locale's.": "语言；否则按系统语言环境。",
    "Where its cells lie. [default: outputs/matrix/NAME]": "各单元放在哪里。[默认：outputs/matrix/NAME]",
    "Go on where it was stopped, which every start does.": "从停下的地方继续；每次启动都会这样。",
    "Measure on the nodes of a Ray cluster, several cells at a time.": "在 Ray 集群的节点上测量，同时测量多个单元。",
    "Start the engine of a run and say where it is, until Ctrl-C: a matrix does it for several runs.": (
        "启动一次运行的引擎并说明其位置，直到 Ctrl-C：矩阵为多次运行这样做。"
    ),
    "Check the plan and list its cells; measure nothing.": "检查计划并列出各单元；不测量。",
    "Say what is measured and what is not; measure nothing.": "说明哪些已测量、哪些没有；不测量。",
    "Show finished runs again: those in FOLDERS, else the newest one under outputs/.": (
        "再次显示已完成的运行：FOLDERS 中的，否则 outputs/ 下最新的一个。"
    ),
    "Also write the run's requests as a CSV file.": "同时把运行的请求写成 CSV 文件。",
    "The same as a Parquet file; needs the extra `parquet`.": (
        "同样的内容写成 Parquet 文件；需要附加组件 `parquet`。"
    ),
    "Also write the pictures, into plots/ of each run; png needs the extra `plot`.": (
        "同时把图写入每个运行的 plots/；png 需要附加组件 `plot`。"
    ),
    "Say whether each run is faster or slower than the first, or what it would take to tell.": (
        "说明每个运行比第一个更快还是更慢，或怎样才能判断。"
    ),
    "RUNS are two or more folders of finished runs, files with a row, or results of guidellm "
    "(benchmarks.json, FILE:2 for its second) and aiperf (profile_export.jsonl), whose requests our "
    "checks judge, too.": (
        "RUNS 是两个或更多已完成运行的文件夹、记录文件，或 guidellm（benchmarks.json，FILE:2 表示其中第二"
        "个）和 aiperf（profile_export.jsonl）的结果；它们的请求也会经过我们的检查。"
    ),
    "Exit 6 on a regression such as 'ttft.p99>+5%'.": "出现退步（例如 'ttft.p99>+5%'）时以 6 退出。",
    "The difference, in %, to be found.": "要发现的差异，%。",
    "Compare unlike runs, and runs that are not valid, too.": "不相似或无效的运行也进行比较。",
    "Measure and exit 6 where it is worse than the recorded baseline by more than noise explains.": (
        "测量；如果比记录的基线差，且噪声无法解释，则以 6 退出。"
    ),
    "on the branch that is good": "在状态良好的分支上",
    "after each change": "每次改动之后",
    "Where the recorded run lies.": "记录的运行在哪里。",
    "Make this run the baseline, if it is valid.": "如果本次运行有效，把它作为基线。",
    "A change that fails, such as 'ttft.p99>+5%'. [default: throughput<-5%, ttft>+10%, itl>+5%]": (
        "算作失败的变化，例如 'ttft.p99>+5%'。[默认：throughput<-5%, ttft>+10%, itl>+5%]"
    ),
    "Hold another load, or other hardware, to the baseline, too.": "负载或硬件不同时也与基线对比。",
    "Merge every finished run's row with the published board into hf_data/.": (
        "把每个已完成运行的记录与已发布的榜单合并到 hf_data/。"
    ),
    "Where the runs are.": "运行在哪里。",
    "Where the boards are written.": "榜单写到哪里。",
    "Fetch nothing; safe, as publishing merges again.": "不下载任何内容；是安全的，因为发布时会再次合并。",
    "The dataset.": "数据集。",
    "Aggregate, commit hf_data/ and push it; whoever else pushes meanwhile, all rows arrive.": (
        "汇总、提交 hf_data/ 并推送；无论谁同时推送，所有记录都会到达。"
    ),
    "Where the boards lie.": "榜单在哪里。",
    "Fetch nothing of the dataset; publishing merges again.": "不下载数据集的任何内容；发布时会再次合并。",
    "Join two versions of a file in hf_data/ for git, which names their common ancestor, ours and theirs.": (
        "为 git 合并 hf_data/ 中一个文件的两个版本；git 给出共同祖先、我方和对方。"
    ),
    "Check leaderboard rows: those of FILES, else those in hf_data/.": (
        "检查排行榜记录：FILES 中的，否则 hf_data/ 中的。"
    ),
    "Hold them to all that is asked of new rows, numbers included.": "按新记录的全部要求检查，包括数字。",
    "Judge hf_data/ as publishing will: what is not on the published board is held to the rules for "
    "new rows.": ("按发布时的规则判断 hf_data/：不在已发布榜单上的，按新记录的规则检查。"),
    "A shared folder instead of the dataset.": "用共享文件夹代替数据集。",
    "Merge the rows in hf_data/ into the shared leaderboard; nobody's row is lost, whoever else publishes.": (
        "把 hf_data/ 中的记录合并到共享排行榜；无论谁同时发布，都不会丢失任何人的记录。"
    ),
    "Where the rows are.": "记录在哪里。",
    "Say what would become of each row, and write nothing.": "说明每条记录会怎样，不写入任何内容。",
    "Write the merged boards into hf_data/, and send nothing.": (
        "把合并后的榜单写入 hf_data/，不发送任何内容。"
    ),
    "Leave out rows that may not be published, and list them.": "略过不能发布的记录，并列出它们。",
    "Make the dataset if there is none; else it is asked for.": "没有数据集时创建它；否则会先询问。",
    "Put the board's page into the dataset, too: index.html.": "把榜单页面 index.html 也放入数据集。",
    "Remove from git, on the remote branch, the files in hf_data/ whose rows are proved to be published.": (
        "从远程分支的 git 中移除 hf_data/ 里已证实发布的记录的文件。"
    ),
    "Push without asking.": "不询问就推送。",
    "Take an accepted row off the board for good, by a signed statement; what it beat comes back.": (
        "用签名的声明把已接受的一条记录永久撤下榜单；被它超过的记录随之回来。"
    ),
    "ROW is a published row's id, its file, or its run's folder. It counts where whoever signed the row signs this, or "
    "a maintainer whom the dataset names. Without --key you are asked who you are, in a browser (Sigstore).": (
        "ROW 是已发布记录的 id、它的文件或它的运行文件夹。只有为这条记录签过名的人，或数据集指定的维护者签名才有效。"
        "不给 --key 时会在浏览器里询问你的身份（Sigstore）。"
    ),
    "Why, in one line; everybody can read it.": "原因，一行；所有人都能看到。",
    "Make the dataset's page anew, too: index.html.": "同时重新生成数据集的页面 index.html。",
    "Make the boards anew from every row ever accepted, to prove or to mend what is published.": (
        "用曾经接受的每条记录重新生成榜单，以证明或修复已发布的内容。"
    ),
    "Only compare; exit 3 when the boards differ.": "只比较；榜单不同时以 3 退出。",
    "Write the rebuilt files into this folder.": "把重建的文件写入这个文件夹。",
    "Sign the evidence of RUNS, and hand their rows in, also where they reproduce a better one.": (
        "为 RUNS 的证据签名，并提交它们的记录，即使它们是在复现更好的记录。"
    ),
    "Without --key you are asked who you are, in a browser (Sigstore); a key is for machines without a "
    "network, and counts once a maintainer has enrolled it.": (
        "不带 --key 时会在浏览器中询问你是谁（Sigstore）；密钥用于没有网络的机器，由维护者登记后才算数。"
    ),
    "Sign by this Ed25519 key.": "用这个 Ed25519 密钥签名。",
    "Sign nothing; take this Sigstore bundle, such as that of actions/attest.": (
        "不签名；采用这个 Sigstore 包，例如 actions/attest 的包。"
    ),
    "Make a key in this file.": "在这个文件中创建密钥。",
    "Where rows are handed in.": "记录提交到哪里。",
    "Compute a row again from its requests, and say what does not fit; exit 6 when something does not.": (
        "由请求重新计算一条记录，并说明哪里不符；不符时以 6 退出。"
    ),
    "SUBJECT is a run's folder, a row's file, or the id of a published row. BUNDLE is the file of its "
    "evidence, where that lies somewhere else.": (
        "SUBJECT 是运行的文件夹、记录的文件或已发布记录的 id。BUNDLE 是证据文件，如果它在别处。"
    ),
    "Make the board as one page that needs no server and no network: table, pictures, records.": (
        "把榜单做成一个页面，不需要服务器和网络：表格、图、记录。"
    ),
    "the published board": "已发布的榜单",
    "the rows here, before they are published": "本地的记录，在发布之前",
    "Where the rows are: a dataset, or a folder such as hf_data.": (
        "记录在哪里：数据集，或 hf_data 这样的文件夹。"
    ),
    "Where index.html is written.": "index.html 写到哪里。",
    "Also fetch every row that was beaten; a folder's are there anyway.": (
        "同时下载每条被超过的记录；文件夹中的本来就在。"
    ),
    "Measure a row's configuration again by its own command; exit 6 where it does not give what the "
    "row says.": ("用记录自己的命令再次测量它的配置；得不到记录所说的结果时以 6 退出。"),
    "SUBJECT is a run's folder, a row's file, or the id of a published row. The new run lies in "
    "outputs/ like any other, to be aggregated and published.": (
        "SUBJECT 是运行的文件夹、记录的文件或已发布记录的 id。新的运行和其他运行一样放在 outputs/ 中，可"
        "以汇总和发布。"
    ),
    "The server that is to reproduce a server's row.": "用来复现服务记录的服务。",
    "It is what the row says, and need not be recognised here.": "它就是记录所说的硬件，不需要在这里识别。",
    "Let the row's command read files here, or send a key.": "允许记录的命令读取这里的文件，或发送密钥。",
    "Say what is installed, reachable, logged in and blocked, and what to do about it.": (
        "说明安装了什么、能访问什么、是否登录、什么受阻，以及该怎么办。"
    ),
    "A failed workflow run's text, to say what blocked it.": (
        "失败的工作流运行的文本，用来说明是什么阻挡了它。"
    ),
    "Print what makes SHELL complete our commands and options when Tab is pressed.": (
        "输出让 SHELL 在按 Tab 时补全命令和选项的内容。"
    ),
}
