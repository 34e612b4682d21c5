"""Why a run is not valid, or a row not published, by its English."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "use --client-processes, move the client to another machine, or lower the load": (
        "使用 --client-processes，把客户端移到另一台机器，或降低负载"
    ),
    "there was not enough time to send enough new prompts twice": (
        "在允许的时间内没有足够的新提示词可以发送两次"
    ),
    "a single request says nothing about how latencies vary; send more: --requests 10": (
        "一个请求说明不了延迟的分布；请多发一些：--requests 10"
    ),
    "the server sent no usage and has no tokenizer to ask, so its tokens cannot be counted; enable "
    "usage in streams (stream_options.include_usage)": (
        "服务没有发送 usage，也没有可询问的分词器，所以无法计 token；请在流中启用 usage（"
        "stream_options.include_usage）"
    ),
    "prompts were sent more than once, so a cache may have answered them; give a larger dataset": (
        "有提示词发送了不止一次，可能由缓存回答；请给出更大的数据集"
    ),
    "use --api completions, where no template adds tokens": "使用 --api completions，没有模板会增加 token",
    "use a server that accepts ignore_eos, or --dataset with real lengths": (
        "使用接受 ignore_eos 的服务，或带真实长度的 --dataset"
    ),
    "clocks ran backwards: an answer came before its request; run on a machine with a steady monotonic "
    "clock": ("时钟倒退：回答早于请求；请在单调时钟稳定的机器上运行"),
    "the client was the bottleneck: its event loop woke up {a} ms late (p99){b}; {c}": (
        "客户端成了瓶颈：它的事件循环晚醒 {a} ms（p99）{b}；{c}"
    ),
    "the client was the bottleneck: it used {a} of a core{b}; {c}": (
        "客户端成了瓶颈：它用了一个核的 {a}{b}；{c}"
    ),
    "{a} events/s are more than the {b} that this client was found able to handle on this machine; {c}": (
        "每秒 {a} 个事件，超过本机客户端可靠的上限 {b}；{c}"
    ),
    "Little's law: {a} requests were in flight on average, more than the {b} streams allow; this is a "
    "fault of the client: please report it": (
        "利特尔法则：平均有 {a} 个请求在途，超过 {b} 路所允许；这是客户端的错误：请报告"
    ),
    "one token every {a} ms is faster than memory can deliver the weights: {b} ms even at {c} tokens per "
    "step; check --hardware, --parameters and which model is served": (
        "每 {a} ms 一个 token，快于显存读取权重的速度：即使每步 {c} 个 token 也要 {b} ms；检查 --hardware"
        "、--parameters 和所提供的模型"
    ),
    "another process used the GPU during the run (pid {a}); stop it and run again": (
        "运行期间有其他进程使用 GPU（pid {a}）；停止它后重新运行"
    ),
    "the GPU was throttled ({a}); let it cool or raise its power limit, then run again": (
        "GPU 被降频（{a}）；让它降温或提高功率上限，然后重新运行"
    ),
    "zero throughput with zero errors; the server's usage cannot be right: check its version": (
        "吞吐为零而没有错误；服务的 usage 不可能正确：检查它的版本"
    ),
    "{a} of the prompts were answered from a cache: their TTFT is like that of repeated ones ({b} ms), "
    "not of new ones ({c} ms); use another --seed or restart the server": (
        "{a} 的提示词由缓存回答：它们的 TTFT 像重复的提示词（{b} ms），不像新的（{c} ms）；请换一个 --seed 或"
        "重启服务"
    ),
    "{a} of {b} {c} do not have the requested length of {d} tokens ({e} to {f}); {g}": (
        "{b} 个{c}中有 {a} 个的长度不是所要求的 {d} 个 token（{e} 到 {f}）；{g}"
    ),
    "client's event loop: the load was too short to measure it": "客户端事件循环：负载太短，无法观察",
    "the client reports TTFT {a} ms too high at this load shape on this machine; {b}": (
        "在本机的这种负载下，客户端报告的 TTFT 偏高 {a} ms；{b}"
    ),
    "requests were sent late (p90 {a} ms; {b}/s instead of {c}/s); use --client-processes or a lower --rate": (
        "请求发出得太晚（p90 {a} ms；要求 {c}/s，实际 {b}/s）；使用 --client-processes 或更低的 --rate"
    ),
    "steadiness: prompts that share their beginning, as turns do, take different times": (
        "稳定性：开头相同的提示词（如多轮对话）用时不同"
    ),
    "energy cannot be right: {a} W on average with a limit of {b} W; update the driver": (
        "能耗不可能正确：平均 {a} W，而上限是 {b} W；请更新驱动"
    ),
    "length of {a}: the server does not report it": "{a}的长度：服务没有报告",
    "Little's law: only {a} of {b} streams were busy on average; send more --requests, or "
    "use fewer streams": ("利特尔法则：{b} 路中平均只有 {a} 路在忙；请增加 --requests，或减少路数"),
    "prefix cache: requests waited for each other, so TTFT cannot show it": (
        "前缀缓存：请求互相等待，所以 TTFT 说明不了问题"
    ),
    "prefix cache: {a} requests were as quick as repeated ones, which may be chance": (
        "前缀缓存：{a} 个请求和重复的一样快，可能是偶然"
    ),
    "{a} of the prompts were known in advance: their TTFT is much shorter than that of new ones ({b} ms), "
    "repeated or not; use another --seed": (
        "{a} 的提示词以前就见过：无论是否重复，TTFT 都远短于新提示词（{b} ms）；请换一个 --seed"
    ),
    "prefix cache: the machine was busy while prompts were sent twice, so their TTFT cannot be compared": (
        "前缀缓存：提示词发送两次时机器繁忙，所以它们的 TTFT 不能比较"
    ),
    "prompts known in advance: {a} may have been, for their TTFT is much shorter than that of new ones ({b} ms); "
    "there was not enough time to send them again": (
        "提示词是否事先见过：{a} 可能见过，因为 TTFT 远短于新提示词（{b} ms）；没有足够的时间再发送一次"
    ),
    "prompts known in advance: {a} may have been, for their TTFT is much shorter than that of new ones ({b} ms); "
    "sent again, they took as long as new ones, so the server may only have been slower after the run": (
        "提示词是否事先见过：{a} 可能见过，因为 TTFT 远短于新提示词（{b} ms）；再发送一次时与新提示词一样慢，"
        "所以也可能只是服务在测量之后变慢了"
    ),
    "first events after {a} ms, where a step of decoding takes {b} ms": (
        "第一个事件在 {a} ms 后到来，而解码一步要 {b} ms"
    ),
    "answers were not streamed: the first content came at {a} of the whole time; switch off buffering "
    "in the server or the proxy before it": (
        "回答没有流式传输：第一段内容在全部时间的 {a} 处才到；关闭服务或前面代理的缓冲"
    ),
    "answers begin before they are computed: a wait of {a} ms or more follows their first events, {b} "
    "times as long as all that came before it and {c} times as long as the other gaps; TTFT is that of "
    "a placeholder: measure behind what sends it": (
        "回答在计算之前就开始：第一批事件之后有 {a} ms 以上的等待，是此前全部时间的 {b} 倍、其他间隔的 "
        "{c} 倍；TTFT 是占位内容的：请在发送它的部件之后测量"
    ),
    "answers begin before they are computed: {a}, and more events than tokens in nearly all of them; "
    "TTFT is that of a placeholder: measure behind what sends it": (
        "回答在计算之前就开始：{a}，而且几乎每个回答的事件都多于 token；TTFT 是占位内容的：请在发送它的部"
        "件之后测量"
    ),
    "answers were held back and let go in bunches: {a} events come at once, {b} of all gaps are "
    "shorter than {c} ms; switch off buffering in the server or the proxy before it": (
        "回答被扣住后成批放出：一次到来 {a} 个事件，{b} 的间隔短于 {c} ms；关闭服务或前面代理的缓冲"
    ),
    "the server counted {a} output tokens but sent {b} content events; its usage is wrong: report that "
    "to its maintainers": (
        "服务计了 {a} 个输出 token，却发送了 {b} 个内容事件；它的 usage 有误：请报告给其维护者"
    ),
    "E2E and TPOT: {a} of the answers went on for {b} ms after their last text, with fewer events than tokens; if "
    "these are tokens without text, both are too short": (
        "E2E 与 TPOT：{a} 的回答在最后的文本之后还持续了 {b} ms，且事件少于 token；"
        "如果那是没有文本的 token，则二者都偏短"
    ),
    "the text of the answers has {a} tokens for each that the server charged, by its own tokenizer; "
    "its usage is wrong, or it sends tokens without text: look at the answers in requests.jsonl": (
        "按服务自己的分词器，回答的文本每计一个 token 有 {a} 个；它的 usage 有误，或它发送没有文本的 "
        "token：看 requests.jsonl 中的回答"
    ),
    "{a}, and a token of theirs took {b} times as long as one of the other answers; its usage is wrong in them: look "
    "at the answers in requests.jsonl": (
        "{a}，而且它们每个 token 的用时只有其他回答的 {b} 倍；它们的 usage 有误：看 requests.jsonl 中的回答"
    ),
    "the text of {a} of {b} answers has {c} tokens for each that the server charged, by its own tokenizer": (
        "按服务自己的分词器，{b} 个回答中有 {a} 个的文本每计一个 token 只有 {c} 个 token"
    ),
    "output tokens: {a}; tokens without text may end them, and the times of an answer end with its text": (
        "输出 token：{a}；它们可能以没有文本的 token 结尾，而回答的各项时间只算到文本结束"
    ),
    "the answers hold {a} bytes of text for {b} tokens, less than one each; its usage is wrong, or it "
    "sends tokens without text: look at the answers in requests.jsonl": (
        "回答有 {a} 字节文本对应 {b} 个 token，每个不到一字节；它的 usage 有误，或它发送没有文本的 token"
        "：看 requests.jsonl 中的回答"
    ),
    "TTFT: {a}: a cache, quicker chips for prompts, a stream that is slowed, or a placeholder": (
        "TTFT：{a}：缓存、更快的预填充芯片、被放慢的流，或占位内容"
    ),
    "answers came in two pieces: one gap is {a} of the time between first and last event; switch off "
    "buffering in the server or the proxy before it": (
        "回答分两段到来：一个间隔占首末事件之间时间的 {a}；关闭服务或前面代理的缓冲"
    ),
    "output tokens: only the server counted them; there is no tokenizer to check this with": (
        "输出 token：按服务所计，因为它没有可对照的分词器"
    ),
    "answers: all {a} are the same text, so it is not known whether prompts were read": (
        "回答：{a} 个全是同样的文本，无法知道提示词是否被读取"
    ),
    "answers: {a} of {b} say a word or two over and over": "回答：{b} 个中有 {a} 个反复说一两个词",
    "answers: {a} of {b} repeat their prompt, as a server without a model might": (
        "回答：{b} 个中有 {a} 个重复提示词，没有模型的服务会这样"
    ),
    "answers: they end in {a} blanks, so they may have been padded to their length": (
        "回答：以 {a} 个空白结尾，可能是为凑足长度"
    ),
    "model: asked for {a}, the server's answers name {b}": "模型：要求的是 {a}，服务的回答写的是 {b}",
    "streaming: no answer has 8 tokens or more": "流式传输：没有回答达到 8 个 token",
    "output tokens: nearly all answers have one event more than tokens; either one token too few is charged, "
    "or that event is not a token": ("输出 token：几乎每个回答都比 token 多一个事件；它少计了，或不是 token"),
    "streaming: one gap is {a} of an answer's time; either prompts waited for each other, or "
    "something held answers back: `--concurrency 1` shows which": (
        "流式传输：一个间隔占回答时间的 {a}，可能是提示词互相等待，也可能是回答被扣住；`--concurrency 1` 可"
        "以分辨"
    ),
    "{a} of the answers begin before they are computed: they wait after their first events until the others have "
    "theirs; TTFT is that of a placeholder: measure behind what sends it": (
        "{a} 的回答在计算之前就开始：首批事件之后一直等到其他回答有首批事件时才继续；"
        "TTFT 是占位内容的，请在发送它的环节之后测量"
    ),
    "TTFT: a wait of {a} ms or more follows the first events, {b} times as long as the other gaps: separate chips "
    "for prompts, or a placeholder": (
        "TTFT：首批事件之后等待 {a} ms 或更久，是其他间隔的 {b} 倍：可能是提示词由专用芯片处理，也可能是占位内容"
    ),
    "streaming: {a} of the answers came in one piece; their TTFT is when they ended": (
        "流式输出：{a} 的回答一次性到达，其 TTFT 就是结束时间"
    ),
    "streaming: {a} of the answers came in bunches, of {b} events at most; the network, a proxy or a busy machine held "
    "them back": ("流式输出：{a} 的回答成批到达，一批最多 {b} 个事件；网络、代理或繁忙的机器扣住了它们"),
    "streaming: {a} of the events came together with the one before, {b} at most, as speculation sends "
    "them; something that holds them back would do the same, and add to TTFT": (
        "流式传输：{a} 的事件与前一个同时到来，最多 {b} 个，投机解码会这样；扣住回答的东西也会这样，并增"
        "加 TTFT"
    ),
    "the clock of client node {a} is known only to within {b} ms, which is more than {c} ms; is the node or "
    "its network overloaded, or was its clock put forward or back, or made faster or slower?": (
        "客户端节点 {a} 的时钟只精确到 {b} ms，超过 {c} ms；节点或网络超载了吗，还是时钟被拨动了，或快慢变了？"
    ),
    "client node {a} was lost: {b}; its part of the load is missing. Fix it or leave it out, and run again": (
        "客户端节点 {a} 丢失：{b}；缺少它那部分负载。修好或去掉它，然后重新运行"
    ),
    "the head of the Ray cluster, {a}, was lost: {b}; without it the load was ended. Start it again, and run "
    "again": "Ray 集群的头节点 {a} 丢失：{b}；没有它，负载已结束。重新启动它，然后再运行",
    "neighbours: other programs used {a} of the processors of client node {b}": (
        "邻居：其他程序占用了客户端节点 {b} 的 {a} 处理器"
    ),
    "priority: client node {a} has a low priority (nice {b}); start Ray with RAY_worker_niceness=0": (
        "优先级：客户端节点 {a} 让位于其他程序（nice {b}）；请用 RAY_worker_niceness=0 启动 Ray"
    ),
    "sagellm_version {a} is not X.Y.Z; state it with --sagellm-version": (
        "sagellm_version {a} 不是 X.Y.Z；请用 --sagellm-version 说明"
    ),
    "weights: dummy; measure the real weights to publish": "权重：随机（dummy）；要发布请测量真实权重",
    "the model's size is not known; state it with --parameters": "不知道模型大小；请用 --parameters 说明",
    "the server does not say which engine it is; state it with --engine": (
        "服务没有说明是哪个引擎；请用 --engine 说明"
    ),
    "the engine's version is not known; state it with --engine-version": (
        "不知道引擎的版本；请用 --engine-version 说明"
    ),
    "hardware is not known ({a}); state it with --hardware FILE.toml or flags such as --chip-model": (
        "不知道硬件（{a}）；请用 --hardware FILE.toml 或 --chip-model 等选项说明"
    ),
    "zero throughput with zero errors: count empty answers as errors and measure again": (
        "吞吐为零而没有错误：把空回答计为错误，然后重新测量"
    ),
    "{a} of the requests failed, more than {b}: fix the server or lower the load, then measure again": (
        "{a} 的请求失败，超过 {b}：修好服务或降低负载后重新测量"
    ),
    "not streamed: TTFT is {a} of the whole answer and tokens follow every {b} ms; switch on "
    "streaming, switch off buffering, and measure again": (
        "没有流式传输：TTFT 占整个回答的 {a}，之后每 {b} ms 一个 token；打开流式传输、关闭缓冲，然后重新测量"
    ),
    "TTFT of 0 ms with tokens generated: it was not measured; stream the answers and measure again": (
        "有生成的 token 而 TTFT 为 0 ms：没有测量；请流式传输回答并重新测量"
    ),
    "{a} tokens/s is more than {b} streams with one token every {c} ms can produce ({d}); check how "
    "tokens and requests at once were counted": (
        "{a} tokens/s 超过 {b} 路每 {c} ms 一个 token 所能达到的（{d}）；检查 token 和同时请求数的计法"
    ),
    "Little's law: rate and latency imply {a} requests in flight, but {b} were sent at once; check "
    "concurrent_requests and how the throughput was computed": (
        "利特尔法则：速率和延迟需要 {a} 个请求在途，但同时只发送了 {b} 个；检查 concurrent_requests 和吞"
        "吐的算法"
    ),
    "TPOT {a} ms is more than twice the gap between events ({b} ms): output tokens are undercounted; "
    "take them from the server's usage": (
        "TPOT {a} ms 超过事件间隔（{b} ms）的两倍：输出 token 少计了；请取自服务的 usage"
    ),
    "a token every {a} ms is faster than memory can deliver the weights (one step takes {b} ms); check "
    "hardware, model.parameters and model.precision": (
        "每 {a} ms 一个 token，快于显存读取权重的速度（一步要 {b} ms）；检查 hardware、model.parameters "
        "和 model.precision"
    ),
    "{a} tokens/s is more than these chips can compute ({b}); check hardware, model.parameters and how "
    "tokens were counted": (
        "{a} tokens/s 超过这些芯片的计算能力（{b}）；检查 hardware、model.parameters 和 token 的计法"
    ),
    "{a} tokens/s is more than {b} requests/s of {c} tokens amount to; check request_rate and how tokens "
    "were counted": (
        "{a} tokens/s 超过每秒 {b} 个、每个 {c} 个 token 的请求所需；检查 request_rate 和 token 的计法"
    ),
    "Little's law: one request after another keeps 1 in flight, but rate and latency say {a}; check "
    "that answers have the stated length and that failures are counted": (
        "利特尔法则：逐个请求时在途为 1，但速率和延迟得出 {a}；检查回答是否有所述长度、失败是否计入"
    ),
    "{name} is missing; it must be {allowed}": "缺少 {name}，应为：{allowed}",
    "{a} is {b}; it must be {c}": "{a} 是 {b}，应为：{c}",
}
