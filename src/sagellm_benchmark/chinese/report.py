"""What the report says beside its figures: of the setup, of the load, and under its pictures, by its English."""

from __future__ import annotations

REPORT: dict[str, str] = {
    # the run
    "{model} ({weights}) on {engine}": "{model}（{weights}），引擎 {engine}",
    "real weights": "真实权重",
    "dummy weights": "随机权重",
    "weights not known": "权重未知",
    "one at a time": "逐个发送",
    "{streams} at a time": "{streams} 路并发",
    "all at once": "一次全部发送",
    "a ramp from {first} to {last}": "速率从 {first} 渐变到 {last}",
    "Poisson arrivals at {rate}": "泊松到达，{rate}",
    "poisson arrivals at {rate}": "泊松到达，{rate}",
    "count": "个数",
    "TTFT, scheduled": "TTFT（按计划时刻）",
    "E2E, scheduled": "E2E（按计划时刻）",
    "streams": "并发数",
    "requests/s asked": "要求的速率（请求/s）",
    "gamma arrivals at {rate}": "伽马到达，{rate}",
    "constant arrivals at {rate}": "等间隔到达，{rate}",
    "{load} for {duration} s": "{load}，持续 {duration} 秒",
    "{requests} in conversations of {turns} turns": "{requests}，每个对话 {turns} 轮",
    "{load}, seed {seed}, warm-up requests: {count}": "{load}，种子 {seed}，预热请求 {count} 个",
    # figures
    "{value} ({count} failed)": "{value}（{count} 个失败）",
    "{value} (counted by: {source})": "{value}（计数依据：{source}）",
    "{value} (asked: {rate})": "{value}（要求：{rate}）",
    "server's usage": "服务的 usage",
    "server's tokenizer": "服务的分词器",
    "tokenizer file": "分词器文件",
    "events, by the server's report": "事件数，与服务的报告一致",
    "events, by an answer not streamed": "事件数，与非流式回答一致",
    "nobody": "无",
    "the text has {ratio} tokens for each one that the server counted": (
        "服务每计 1 个 token，文本重新分词后有 {ratio} 个"
    ),
    "{metric}: {count} values; an interval needs at least {needed}": (
        "{metric}：{count} 个样本；区间至少需要 {needed} 个"
    ),
    "{metric}: {count} values; a {percentile} needs at least {needed}": (
        "{metric}：{count} 个样本；{percentile} 至少需要 {needed} 个"
    ),
    # the setup
    "{size} GiB per chip": "每芯片 {size} GiB",
    "not known; state it with --hardware FILE.toml or --chip-model": (
        "未知；请用 --hardware FILE.toml 或 --chip-model 说明"
    ),
    "unknown processor": "未知处理器",
    "{processor}, {cores} cores, {threads} threads, {memory} GiB": (
        "{processor}，{cores} 核，{threads} 线程，内存 {memory} GiB"
    ),
    "{count} nodes; the worst of them: {client}": "{count} 个节点；其中最差的：{client}",
    "event loop {late} late (p99), {share} of a core, TTFT bias {bias}, accurate up to {rate}": (
        "事件循环延迟 {late}（p99），占一个核的 {share}，TTFT 偏差 {bias}，已确认到 {rate} 仍不失真"
    ),
    # pictures
    "{label}, ms, on a logarithmic axis: {meaning}": "{label}（ms，对数轴）：{meaning}",
    "time to first token": "首 token 延迟",
    "gap between content events": "相邻内容事件的间隔",
    "time per output token": "每个输出 token 的时间",
    "whole answer": "整个回答",
    "from when the request was due": "从请求应发出的时刻算起",
    "requests over time: waiting (grey), prefill (orange), decode (blue), failed (red)": (
        "请求随时间：等待（灰）、预填充（橙）、解码（蓝）、失败（红）"
    ),
    "tokens/s over time; the measured window is shaded": "吞吐（tokens/s）随时间；阴影为测量窗口",
    "requests in flight over time": "在途请求数随时间",
    "requests in progress over time, as the server reports them": "服务器自报的处理中请求数随时间",
    "requests waiting at the server over time, as it reports them": "服务器自报的等待中请求数随时间",
    "tokens in the server's KV cache over time, as it reports them": "服务器自报的 KV 缓存中的 token 数随时间",
    "total power of the chips, W, over time": "所有芯片的总功率（W）随时间",
    "clock of the slowest chip, MHz, over time": "最慢芯片的频率（MHz）随时间",
    "TTFT, ms, by the start of the request": "TTFT（ms），按请求开始时刻",
    "failed requests over time": "失败请求随时间",
    "{count} runs of {model}": "{model} 的 {count} 次运行",
    "{name}: {label}, {unit}, over streams": "{name}：{label}（{unit}）随并发数",
    "{name}: {label}, {unit}, over requests/s asked": "{name}：{label}（{unit}）随请求速率",
    "{name}: {label}, ms, against throughput, tokens/s": "{name}：{label}（ms）随吞吐（tokens/s）",
}
