"""What can go wrong with commands, servers and loads, by its English."""

from __future__ import annotations

RUN: dict[str, str] = {
    # address
    "the server's address must not hold a user name or a password": "服务地址不能包含用户名或密码",
    "put the key into an environment variable and name that with --api-key-env": (
        "把密钥放进环境变量，并用 --api-key-env 给出变量名"
    ),
    "the address {a} has no scheme": "地址 {a} 没有协议",
    "write http:// or https:// before it, such as http://{a}": (
        "在前面写上 http:// 或 https://，例如 http://{a}"
    ),
    "the address {a} has the scheme {b}, which no LLM server speaks": (
        "地址 {a} 的协议是 {b}，没有 LLM 服务使用它"
    ),
    "servers are reached by http:// or https://, such as {a}": (
        "服务通过 http:// 或 https:// 访问，例如 {a}"
    ),
    "the address {a} has no host": "地址 {a} 没有主机名",
    "write it as {a}": "写成 {a} 的样子",
    "the address {a} contains more than a server's address": "地址 {a} 含有服务地址以外的内容",
    "give what comes before /v1 in plain ASCII, such as {a}": "用纯 ASCII 写出 /v1 之前的部分，例如 {a}",
    "the address {a} is not one: {b}": "{a} 不是地址：{b}",
    # cli
    "--resume measures, but --dry-run and --status only look": "--resume 会测量，另一个只是查看",
    "give only one of them": "只给出其中一个",
    "{a} asks for several measurements": "{a} 要求多个测量",
    "give each workload and load a table of its own": "为每个工作负载和负载各写一个表",
    "a table holds the requests of one run": "一个表只容纳一次运行的请求",
    "name one folder": "只指明一个文件夹",
    "the folder has no name": "文件夹没有名称",
    "clean asks before it pushes, but there is no terminal to answer at": "clean 在推送前会询问，而这里没有人回答",
    "add --yes": "加上 --yes",
    "rebuild either compares or writes": "rebuild 要么比较，要么写出",
    "give --check, or --output FOLDER": "给出 --check，或 --output FOLDER",
    "there is nothing to sign, or there are two ways to sign it": "没有要签名的内容，或有两种签名方式",
    "name RUNS, and give --key, --attach or neither": "指明 RUNS，并给出 --key 或 --attach，或都不给",
    "--on needs Ray, which is not installed": "--on 需要 Ray，而它没有安装",
    "--published checks hf_data/ as a whole": "--published 把 hf_data/ 作为整体判断",
    "leave out FILES and --as-new": "去掉 FILES 和 --as-new",
    # client/calibration
    "the built-in server did not answer": "内置服务没有任何回答",
    "is this machine badly overloaded?": "这台机器是否严重超载？",
    "the calibration failed: {a}": "校准失败：{a}",
    "the built-in server did not start within {a} s": "内置服务没有在 {a} 秒内启动",
    "is this machine badly overloaded? --no-calibrate skips the calibration": (
        "这台机器是否严重超载？--no-calibrate 可以不用它"
    ),
    "the built-in server did not start": "内置服务没有启动",
    "see the message above": "见上面的消息",
    # client/decoded
    "measure again": "重新测量",
    # client/drive
    "a load needs at least one stream, or a rate": "负载至少需要一路，或一个速率",
    "give --concurrency or --rate": "给出 --concurrency 或 --rate",
    "a load needs an end": "负载需要一个终点",
    "give --requests or --duration": "给出 --requests 或 --duration",
    # client/events
    "more than {a} events in one answer": "一个回答中超过 {a} 个事件",
    "not a JSON object: {a}": "不是 JSON 对象：{a}",
    "`delta` or `message` is not an object": "`delta` 或 `message` 不是对象",
    "`usage` is not an object": "`usage` 不是对象",
    "neither events nor JSON: {a}": "既不是事件也不是 JSON：{a}",
    "`choices` is not a list": "`choices` 不是列表",
    "a choice is not an object": "一个 choice 不是对象",
    "not JSON ({a}): {b}": "不是 JSON（{a}）：{b}",
    "the answer is compressed (Content-Encoding: gzip), although compression was not requested": (
        "回答被压缩（Content-Encoding: gzip），而没有人要求压缩"
    ),
    # client/process
    "no connection to {a}: {b}": "无法连接 {a}：{b}",
    # client/sockets
    "{a} connections at once need {b} open files, and this process may open {c}": (
        "同时 {a} 个连接需要 {b} 个打开的文件，而本进程只能打开 {c} 个"
    ),
    "raise the limit (`ulimit -n`), or ask for fewer streams or more client processes": (
        "提高上限（`ulimit -n`），或减少路数，或增加客户端进程"
    ),
    # client/wire
    "look for a stray line break or space": "查找多余的换行或空格",
    # client/workers
    "a client process (pid {a}) ended early": "一个客户端进程（pid {a}）提前结束",
    "is the machine out of memory?": "机器内存不足吗？",
    "a client process (pid {a}) did nothing for {b} s before the load": (
        "负载开始前，一个客户端进程（pid {a}）已有 {b} 秒毫无动作"
    ),
    "a client process (pid {a}) has not responded for {b} s": "一个客户端进程（pid {a}）已有 {b} 秒没有消息",
    "a client process (pid {a}) has requests to send, and has sent none for {b} s": (
        "一个客户端进程（pid {a}）有请求要发送，但已有 {b} 秒没有发送"
    ),
    "it hangs; run again, and report it if it does so again": "它卡住了；请重新运行，如果再次出现请报告",
    "was it frozen?": "它被冻结了吗？",
    "these conversations cannot be sent to another process: {a}": "这些对话无法发送给另一个进程：{a}",
    "give a number of requests, or use one client process": "给出请求数，或只用一个客户端进程",
    # cluster/load, cluster/under_way
    "no node observed anything": "没有节点观察到任何东西",
    "see the nodes' logs": "见各节点的日志",
    "its clock moved by {a} ms against that of the machine where the run was started": (
        "它的时钟相对于启动运行的机器偏移了 {a} 毫秒"
    ),
    "its agent or its machine has gone": "它的代理或机器已经消失",
    "this machine has version {a} of this tool, but other nodes have others: {b}": (
        "本机上本工具的版本是 {a}，其他节点不同：{b}"
    ),
    "install the same version on all of them": "在所有节点上安装同一版本",
    "client node {a}: {b}": "客户端节点 {a}：{b}",
    "look at its log, then run again": "查看它的日志，然后重新运行",
    "client node {a} did not get ready within {b} s": "客户端节点 {a} 在 {b} 秒内没有就绪",
    "is it overloaded?": "它超载了吗？",
    "the head of the Ray cluster, {a}, is lost: {b}": "Ray 集群的头节点 {a} 丢失：{b}",
    "start it again, then run again": "重新启动它，然后再运行",
    # cluster/ray_nodes
    "the Ray cluster has not answered for {a} s": "Ray 集群 {a} 秒没有回应",
    "is its head still running (`ray status`)? Start it, then run again": (
        "它的头节点还在运行吗（`ray status`）？启动它，然后再运行"
    ),
    "no Ray cluster at {a}: {b}": "{a} 没有 Ray 集群：{b}",
    "docs/cluster.md says how to start one, and its token": "docs/cluster.md 说明如何启动集群及其令牌",
    "the cluster has no {a} nodes with {b} processors free each; it has {c}": (
        "集群没有 {a} 个各有 {b} 个空闲处理器的节点；现有：{c}"
    ),
    "give fewer --client-nodes or --client-processes, or add nodes": (
        "减少 --client-nodes 或 --client-processes，或增加节点"
    ),
    "what listens at {a} does not answer as the head of a Ray cluster": "在 {a} 监听的不是 Ray 集群的头节点",
    "a head's port is 6379 by default; 8265 is its dashboard, 10001 is Ray Client's": (
        "头节点的端口默认是 6379；8265 是它的仪表盘，10001 是 Ray Client 的端口"
    ),
    "the client nodes do not start: {a}": "客户端节点无法启动：{a}",
    "is this tool installed on every node, in the Python that Ray runs in?": (
        "每个节点上 Ray 所用的 Python 中都安装了本工具吗？"
    ),
    "no node of the cluster has {a} processors and {b} GPUs": "集群中没有节点有 {a} 个处理器和 {b} 个 GPU",
    "ask for less with num_cpus and num_gpus in the plan, or add such a node": (
        "在计划中用 num_cpus 和 num_gpus 要求更少，或增加这样的节点"
    ),
    "the Ray cluster at {a} and this machine do not match: {b}": "{a} 的 Ray 集群与本机不匹配：{b}",
    "use the cluster's Ray in the cluster's Python: pip install 'ray==VERSION'": (
        "在集群所用的 Python 中使用集群的 Ray：pip install 'ray==VERSION'"
    ),
    "{a} was lost ({b}); measured again: {c}": "{a} 丢失（{b}）；重新测量：{c}",
    "no node has room for each of these engines, which are measured on different ones: {a}": (
        "没有节点容得下这些引擎中的每一个，它们在不同节点上测量：{a}"
    ),
    "the Ray cluster at {a} asks for no token: anybody who can reach it can run programs there": (
        "{a} 的 Ray 集群不要求令牌：能连上它的人都可以在那里运行程序"
    ),
    "client nodes: {a}": "客户端节点：{a}",
    "no answer for {a} s": "{a} 秒没有回应",
    "what listens at {a} does not answer as a Ray cluster that knows us": (
        "在 {a} 监听的程序没有像认识我们的 Ray 集群那样回应"
    ),
    "is it the port of a Ray head, and is the token here (~/.ray/auth_token) the cluster's?": (
        "这是 Ray 首节点的端口吗？这里的令牌（~/.ray/auth_token）是该集群的吗？"
    ),
    "no node has room at the moment: waiting for one (`ray status` says what is taken)": (
        "目前没有节点有空位：正在等待（`ray status` 显示占用情况）"
    ),
    "node {a} does not answer": "节点 {a} 没有回应",
    "look at it with `ray status`, and take it out of the cluster or start it again": (
        "用 `ray status` 查看它，并将其移出集群或重新启动"
    ),
    "node {a} cannot run this tool: {b}": "节点 {a} 无法运行本工具：{b}",
    "its process gave no sign of life for {a} s": "它的进程 {a} 秒没有任何动静",
    "{a} does not describe a server that a matrix keeps running": "{a} 没有说明矩阵所持有的服务",
    "unset {a}": "取消设置 {a}",
    "a number, such as num_gpus = 1": "一个数字，例如 num_gpus = 1",
    # doctor
    "name the file that holds the run's text": "指明保存该次运行文本的文件",
    # machine/hardware
    "it must be {a}": "应为：{a}",
    "the fields are {a}": "字段有 {a}",
    # net
    "{a} answers {b} {c}{d}": "{a} 回答 {b} {c}{d}",
    "{a} cannot be reached: {b}": "无法连接 {a}：{b}",
    "check {a}": "检查 {a}",
    "{a} answers with Content-Encoding: {b}, although compression was not requested": (
        "{a} 的回答带有 Content-Encoding: {b}，而没有人要求"
    ),
    "switch off compression in the server or the proxy before it": "关闭服务或它前面代理的压缩",
    "{a} answers more than {b} MiB": "{a} 的回答超过 {b} MiB",
    "this is not what {a} answers; check {b}": "这不是 {a} 会给的回答；检查 {b}",
    "the API key holds characters that an HTTP header cannot carry": "API 密钥含有 HTTP 头不能携带的字符",
    "look for a line break or a blank around the key in the variable named by --api-key-env": (
        "查看 --api-key-env 所指变量中密钥前后是否有换行或空格"
    ),
    "{a} redirects to {b}": "{a} 重定向到 {b}",
    "give the address that it redirects to; check {a}": "给出它重定向到的地址；检查 {a}",
    "{a} does not answer within {b} s": "{a} 没有在 {b} 秒内回答",
    "is it up? Check host, port, and http against https in {a}": (
        "它在运行吗？检查 {a} 中的主机、端口以及 http 还是 https"
    ),
    "{a}; check {b}": "{a}；检查 {b}",
    "{a} does not look like {b}: its answer is not JSON ({c})": "{a} 不像 {b}：它的回答不是 JSON（{c}）",
    # options/again
    "the row's command uses something of this machine: {a}": "记录的命令要用到本机的东西：{a}",
    "add --allow-files only if you agree to all of {a}": "只有完全同意这条命令时才加上 --allow-files：{a}",
    "the row has no command of `sagellm-benchmark run`": "记录没有 `sagellm-benchmark run` 的命令",
    "rows of other tools have none": "其他工具的记录没有",
    "the row was measured on a server, and only you know where to find one like it": (
        "记录是某个服务的，只有你知道这样的服务在哪里"
    ),
    "start the same engine with the same model, and add --base-url URL": (
        "用同样的模型启动同样的引擎，并加上 --base-url URL"
    ),
    "the row was measured with the embedded engine, which needs no server": "记录是我们自己的引擎的，不需要服务",
    "leave out --base-url": "去掉 --base-url",
    "this version does not know the row's command: {a}": "此版本不认识记录的命令：{a}",
    "this version cannot repeat the row's command: {a}": "此版本无法重复记录的命令：{a}",
    "{hint}; or use the version of this tool that the row names": "{hint}；或使用记录所写的本工具版本",
    "left out, without effect: {names}": "已略去没有作用的选项：{names}",
    "use the version of this tool that the row names": "用记录所指的本工具版本",
    # options/regress
    "a baseline is one run of one load": "基线是一个负载的一次运行",
    "name one --workload and one --concurrency or --rate": (
        "只指明一个 --workload 和一个 --concurrency 或 --rate"
    ),
    # options/spec
    "--api-key-env names no environment variable that holds a usable key": (
        "--api-key-env 没有指向含有可用密钥的环境变量"
    ),
    "export it, such as MY_KEY=…, and give its name; the key itself never goes on the command line": (
        "导出它，例如 MY_KEY=…，并给出变量名；密钥本身从不写在命令行上"
    ),
    "the lengths of a documented workload are part of its name": "文档中的工作负载，长度是名称的一部分",
    "use --workload custom with --input-tokens and --output-tokens": (
        "用 --workload custom 加 --input-tokens 和 --output-tokens"
    ),
    "{a} nodes are a cluster, which needs {b} as well": "{a} 个节点是集群，还需要 {b}",
    'such as --comm-backend NCCL; or write comm_backend = "NCCL" into a file for --hardware': (
        '例如 --comm-backend NCCL；或在 --hardware 的文件中写 comm_backend = "NCCL"'
    ),
    "a custom workload needs {a}": "自定义工作负载需要 {a}",
    "give each as a number of tokens, such as 128": "每个都给出 token 数，例如 128",
    # options/values
    "--concurrency does not understand {a}": "--concurrency 不理解 {a}",
    "--slo does not understand {a}": "--slo 不理解 {a}",
    "--rate does not understand {a}": "--rate 不理解 {a}",
    "write whole numbers from 1 to {a}: 8, or 1,2,4 for a sweep": (
        "写 1 到 {a} 的整数：8，或 1,2,4 表示扫描"
    ),
    "{option} does not understand {a}": "{option} 不理解 {a}",
    "this command does not understand {a}": "这个命令不理解 {a}",
    "choose from {a}": "从 {a} 中选择",
    "write a whole number from {a} to {b}": "写 {a} 到 {b} 的整数",
    "write a number from 0 to {a}": "写 0 到 {a} 的数",
    "write a number above 0, up to {a}": "写大于 0、不超过 {a} 的数",
    "leave the option out, or give it something": "去掉该选项，或给它一个值",
    "close every quote": "闭合每个引号",
}
