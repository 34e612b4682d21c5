"""What can go wrong with rows, boards, evidence and publishing, by its English."""

from __future__ import annotations

BOARD: dict[str, str] = {
    # board/entry
    "not laid out as a board file": "布局不是榜单文件",
    "{a} holds a row of {b} bytes, more than {c}": "{a} 含有一条 {b} 字节的记录，超过 {c}",
    "take it out, or restore the file from its last good version": "把它取出，或从最后的完好版本恢复文件",
    "{a} holds more than {b} values": "{a} 含有超过 {b} 个值",
    "restore it from its last good version": "从最后的完好版本恢复它",
    "{a} holds {b}, not an array of rows": "{a} 含有 {b}，而不是记录的数组",
    "{a} is not valid JSON: {b}": "{a} 不是有效的 JSON：{b}",
    "a row cannot be written as JSON: {a}": "记录无法写成 JSON：{a}",
    # board/folder
    "there is no folder {a}": "没有文件夹 {a}",
    "make its files with `sagellm-benchmark aggregate`": "用 `sagellm-benchmark aggregate` 生成其中的文件",
    "{a} is in a subfolder; only files directly in {b}/ are read": (
        "{a} 在单独的文件夹里；只读取直接位于 {b}/ 中的文件"
    ),
    "move its rows into {a}/, or remove it": "把其中的记录移到 {a}/，或移走它",
    "{a} holds a file named {b}": "{a} 中有名为 {b} 的文件",
    "use letters, digits, . _ and -": "请用字母、数字、. _ 和 -",
    "{a} is a symbolic link": "{a} 是符号链接",
    "remove it: a plain folder belongs there": "移除它：那里应是普通文件夹",
    # board/identity
    "a row is nested too deeply to be read": "记录嵌套太深，无法读取",
    "remove it from the board": "从含有它的榜单中取出",
    # board/read
    "submit fewer rows at a time": "一次少提交一些记录",
    "{a} holds {b}; it must hold an array of rows": "{a} 含有 {b}；只允许记录的数组",
    "{a} holds {b} rows; at most {c} are allowed": "{a} 含有 {b} 条记录；最多允许 {c} 条",
    "check its name": "检查它的名称",
    "put a plain JSON file in its place": "换成一个普通的 JSON 文件",
    "{a} begins with {b}": "{a} 以 {b} 开头",
    "{a}, row {b} is nested deeper than {c} levels": "{a} 的记录 {b} 嵌套超过 {c} 层",
    "write it with a JSON library; NaN and Infinity are not JSON": (
        "用 JSON 库写出；NaN 和 Infinity 不是 JSON"
    ),
    "{a} contains git's conflict markers": "{a} 含有 git 的冲突标记",
    "merge both sides: `sagellm-benchmark aggregate`": "合并两边：`sagellm-benchmark aggregate`",
    # codehost
    "{a} does not answer as the code host's API does": "{a} 的回答不像代码托管平台的 API",
    "check GITHUB_API_URL": "检查 GITHUB_API_URL",
    "the token is not sent to {a}: it is not https": "令牌没有发送到 {a}：它不是 https",
    "correct GITHUB_API_URL": "改正 GITHUB_API_URL",
    "push the commit first, and allow the token to write commit statuses": (
        "先推送提交，并给令牌写提交状态的权限"
    ),
    # evidence/bundle
    "the evidence is larger than {a} MiB, or {b} MiB packed": "证据大于 {a} MiB，或打包后大于 {b} MiB",
    "measure fewer requests: evidence must stay small enough to be kept for good": (
        "减少请求：证据必须足够小，才能永久保存"
    ),
    "the bundle is damaged: {a}": "证据包已损坏：{a}",
    "{a} is nested deeper than {b} levels": "{a} 嵌套超过 {b} 层",
    "fetch it again": "重新获取",
    "the bundle contains something other than a few plain files": "证据包含有几个普通文件以外的内容",
    "the bundle ends too early": "证据包过早结束",
    # evidence/ed25519
    "a signature is not valid, or its key is not enrolled in signers.json": (
        "有一个签名不属于 signers.json 登记的密钥，或不成立"
    ),
    "a signature covers something other than this row's evidence": "有一个签名针对的不是这条记录的证据",
    "{a} is not an Ed25519 key": "{a} 不是 Ed25519 密钥",
    "make one: sign --new-key FILE": "创建一个：sign --new-key FILE",
    "{a} is not a private key without a password": "{a} 不是无密码的密钥",
    # evidence/files
    "{a} holds no evidence": "{a} 没有证据",
    "measure again: runs of older versions and runs without figures have none": (
        "请重新测量：旧版本的运行和没有数字的运行没有证据"
    ),
    # evidence/find
    "{a} is neither a file nor the id of a row": "{a} 既不是文件，也不是记录的 id",
    "name a run's folder, a row's file, or the whole id of a published row": (
        "指明运行的文件夹、记录的文件，或已发布记录的完整 id"
    ),
    "{a} holds {b} rows": "{a} 含有 {b} 条记录",
    "name one of them by its id": "用 id 指明其中之一",
    "there is no evidence beside {a}": "{a} 旁边没有证据",
    "name the bundle after the row": "在记录之后指明证据包",
    "{a} does not exist": "{a} 不存在",
    "name it with --repo or --to": "用 --repo 或 --to 指明",
    "{a} holds no evidence of row {b}": "{a} 没有记录 {b} 的证据",
    "it is a claim, as rows of older versions are": "它只是声明，旧版本的记录都是如此",
    "{a} holds no row {b}": "{a} 没有记录 {b}",
    "look at the ids on the board": "查看榜单上的 id",
    # evidence/keyless
    "a Sigstore statement is about something other than this row's evidence": (
        "有一个 Sigstore 声明针对的不是这条记录的证据"
    ),
    "a Sigstore signature is not valid: {a}": "有一个 Sigstore 签名不成立：{a}",
    "a Sigstore signature is not valid: its key is on no elliptic curve": (
        "有一个 Sigstore 签名不成立：它的密钥不在椭圆曲线上"
    ),
    "a Sigstore signature is not valid: its certificate names nobody": (
        "有一个 Sigstore 签名不成立：它的证书没有写明是谁"
    ),
    "Sigstore did not sign: {a}": "Sigstore 没有签名：{a}",
    "without a network sign by a key that is enrolled: sign RUN --key FILE": (
        "没有网络时用已登记的密钥签名：sign RUN --key FILE"
    ),
    # evidence/replay
    "the new run is not valid": "没有得到有效的运行",
    "look at its REPORT.md": "查看它的 REPORT.md",
    "the row has no throughput": "记录没有吞吐",
    "choose another row": "选择另一条记录",
    # evidence/signing
    "a signature is of an unknown kind": "有一个签名的类型未知",
    "{a} exists already": "{a} 已存在",
    "choose another name; a key is never overwritten": "换一个名称；密钥从不被覆盖",
    "{a} holds no row that names its evidence": "{a} 没有指明证据的记录",
    "measure it again, then sign it": "重新测量，然后签名",
    "a signature is damaged: {a}": "有一个签名已损坏：{a}",
    "a signature is damaged: what should be base64 is none": "有一个签名已损坏：应为 base64 的内容不是",
    "a key in signers.json is damaged": "signers.json 中有一个密钥已损坏",
    "enrol it again: sign --new-key shows how": "重新登记它：sign --new-key 会说明",
    "a key in signers.json is nobody's": "signers.json 中有一个密钥没有主人",
    "say in it whose it is: `identity`": "在其中写明属于谁：`identity`",
    "signers.json is damaged: {a}": "signers.json 已损坏：{a}",
    "restore it from the history": "从历史中恢复它",
    "signatures of this kind need a library that is not installed ({a})": (
        "这类签名需要一个没有安装的库（{a}）"
    ),
    # evidence/statement
    "the evidence is of another kind": "证据是另一种类型",
    "use the version of this tool that wrote it": "用写出它的本工具版本",
    "restore it, or measure again": "恢复它，或重新测量",
    # evidence/verify
    "the row names no evidence": "记录没有指明证据",
    "it is from an older version, or not from this tool: it is a claim": "它来自旧版本或其他工具：只是声明",
    "{a} is missing": "缺少 {a}",
    "give the run's folder, or its bundle": "给出运行的文件夹，或它的证据包",
    "the evidence is incomplete: {a}": "证据缺少应有的内容：{a}",
    # git
    "git is not installed, or the folder is gone": "没有安装 git，或文件夹已不存在",
    "install git": "安装 git",
    "git {a} took longer than {b} s": "git {a} 用时超过 {b} 秒",
    "try again": "再试一次",
    "git {a} failed with {b}": "git {a} 失败：{b}",
    # hub/answers
    "look at https://status.huggingface.co, then report it": "查看 https://status.huggingface.co，然后报告",
    "{a}: {b}; nothing was sent": "{a}：{b}；没有发送任何内容",
    "HF_ENDPOINT is not a web address": "HF_ENDPOINT 不是网址",
    "it looks like https://huggingface.co": "它的样子是 https://huggingface.co",
    "HF_ENDPOINT begins with http://, where anybody on the way can read and change what is sent": (
        "HF_ENDPOINT 以 http:// 开头，途中任何人都能读取和更改发送的内容"
    ),
    "write it with https://; http:// is for this machine alone": "写成 https://；http:// 只用于本机",
    # hub/bundles
    "the row does not follow from its evidence: {a}; measure again, or take {b} away: the row is then "
    "a claim": ("记录与它的证据不符：{a}；请重新测量，或移走 {b}：记录就只是声明"),
    # hub/cleanup
    "branch {a} changed again and again; nothing was removed": "分支 {a} 一直在变；没有删除任何内容",
    "run `sagellm-benchmark clean` again": "再次运行 `sagellm-benchmark clean`",
    "run this in a clone, or name its folder with --hf-data": (
        "在克隆的仓库中运行，或用 --hf-data 指明文件夹"
    ),
    "run `sagellm-benchmark publish` first": "先运行 `sagellm-benchmark publish`",
    "{a} is not a plain file of rows": "{a} 不是普通的记录文件",
    "remove it with git yourself": "请自己用 git 移除它",
    # hub/asking, hub/dataset
    "{a} at {b} is damaged: it is not what its hash says": "{b} 上的 {a} 已损坏：它与哈希不符",
    "look at it there; if it is whole, try again later or from another network": (
        "到那里查看；如果完好，稍后或换网络再试"
    ),
    "{a} is not the name of a dataset": "{a} 不是数据集的名称",
    "name it as owner/dataset": "写成 owner/dataset",
    "there is no dataset {a}, or this token cannot see it; nothing was written": (
        "没有数据集 {a}，或此令牌看不到它；没有写入任何内容"
    ),
    "is --repo spelled right? A new one is made by `publish --create`": (
        "--repo 拼写正确吗？新的数据集用 `publish --create` 创建"
    ),
    "{a} exists, but this token cannot see it; nothing was written": (
        "{a} 存在，但此令牌看不到它；没有写入任何内容"
    ),
    "no token to write to {a}; nothing was sent": "没有写入 {a} 的令牌；没有发送任何内容",
    "{a} at {b} is larger than {c} MiB": "{b} 上的 {a} 大于 {c} MiB",
    # hub/directory
    "{a} is not a name in the store": "{a} 不是存储中的名称",
    "this name is reserved for the store's own notes": "它的笔记属于它自己",
    # hub/fetch
    "merge with nothing fetched: {a} (safe: publishing merges again)": (
        "不下载任何内容地合并：{a}（安全：发布时会再次合并）"
    ),
    # hub/git
    "branch {a} has no remote to push to": "分支 {a} 没有可推送的远程",
    "{a} is larger than {b} bytes": "{a} 大于 {b} 字节",
    "{a} is not in a git checkout on a branch": "{a} 不在位于某个分支的 git 检出中",
    "run this in a clone, on a branch": "在克隆的仓库的某个分支上运行",
    "git {a} with {b}, branch {c}, failed": "git {a} 对 {b} 的分支 {c} 失败",
    "see what `git {a}` says here; is the branch protected, and may you write to it?": (
        "看看 `git {a}` 在这里怎么说；分支受保护吗？你可以写入吗？"
    ),
    # hub/history
    "could not read the history of {a} with git": "无法用 git 读取 {a} 的历史",
    "see what `git ls-remote {a}` says here": "看看 `git ls-remote {a}` 在这里怎么说",
    # hub/inside
    "{a} is not a name in {b}": "{a} 不是 {b} 中的名称",
    "a name must stay inside that folder": "名称只能向下",
    "a link, a pipe or a folder has no place there: remove it": "链接、管道或文件夹不该在那里：移除它",
    # hub/journal
    "this commit has more than {a} MiB of small files; nothing was written": (
        "这次提交的小文件超过 {a} MiB；没有写入任何内容"
    ),
    "publish fewer rows at a time": "一次少发布一些记录",
    "{a} would have more than {b} MiB; nothing was written": "{a} 会超过 {b} MiB；没有写入任何内容",
    "{a} was not written by this tool; nothing of it was carried out": (
        "{a} 不是本工具写的；没有执行其中任何内容"
    ),
    "{a}: what it holds of {b} is not what it recorded": "{a}：它所含的 {b} 与它记录的不同",
    "{a} is not a file of a board": "{a} 不是榜单的文件",
    "report it: nothing was written": "请报告：没有写入任何内容",
    # hub/listing
    "{a} does not say what a commit holds": "{a} 没有说明提交中有什么",
    "a mirror may not be enough: set HF_ENDPOINT to the Hub itself": (
        "镜像可能不够：把 HF_ENDPOINT 设为 Hub 本身"
    ),
    # hub/board, hub/plan
    "{a} would have {b} MiB, more than the {c} MiB of a board; nothing was sent": (
        "{a} 将有 {b} MiB，超过榜单的 {c} MiB；没有发送任何内容"
    ),
    "publish fewer rows, or move to shards first: docs/publishing.md, How large a board can grow": (
        "减少发布的记录，或先改用分片：docs/publishing.md，How large a board can grow"
    ),
    "{a} is missing, though this board was published before; nothing was written": (
        "缺少 {a}，虽然这个榜单以前发布过；没有写入任何内容"
    ),
    "restore it from the history, or from what was accepted: sagellm-benchmark rebuild --output FOLDER": (
        "从历史恢复它，或由已接受的记录重建：sagellm-benchmark rebuild --output FOLDER"
    ),
    "{a} was written by a newer version of this tool (schema version {b}); it is left as it is": (
        "{a} 由本工具的更新版本写出（schema 版本 {b}）；保持不动"
    ),
    "pip install --upgrade isagellm-benchmark, then try again": (
        "pip install --upgrade isagellm-benchmark，然后再试"
    ),
    "restore it from its last good version, or delete it": "从最后的完好版本恢复它，或删除它",
    # hub/handed_in, hub/publish
    "fix or remove them, or publish the others with --skip-invalid": (
        "修正或移除它们，或用 --skip-invalid 发布其余记录"
    ),
    "row {a} is missing at {b}": "{b} 缺少记录 {a}",
    "publish again; if it is missing again, report it": "再次发布；如果仍然缺少，请报告",
    # hub/rebuild
    "{a} has no submissions yet": "{a} 还没有提交的记录",
    "publish to it once, then try again": "先向它发布一次，然后再试",
    # hub/retry
    "{a}; what has arrived in the meantime is not sent twice": "{a}；其间已到达的内容不会发送两次",
    "it asks to wait {a} s: try again after that": "它要求等待 {a} 秒：之后再试",
    # hub/submit
    "remove them from {a}/, then submit again": "从 {a}/ 移除它们，然后再提交",
    # huggingface
    "huggingface_hub cannot read its settings": "huggingface_hub 无法读取它的设置",
    "check that every HF_… variable that should hold a number does": "是否有应为数字的 HF_… 变量不是数字？",
    "the address of the Hub or of a proxy is not valid": "Hub 或代理的地址不是地址",
    "look at HF_ENDPOINT, HTTPS_PROXY and ALL_PROXY": "查看 HF_ENDPOINT、HTTPS_PROXY 和 ALL_PROXY",
    "the proxy that the environment names needs a package that is not installed": (
        "环境变量指定的代理需要一个没有安装的软件包"
    ),
    "pip install 'httpx[socks]', or unset ALL_PROXY and HTTPS_PROXY": (
        "pip install 'httpx[socks]'，或取消 ALL_PROXY 和 HTTPS_PROXY"
    ),
    "a connection to the Hub cannot be set up ({a})": "无法建立到 Hub 的连接（{a}）",
    "look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE": (
        "查看 HTTPS_PROXY、HTTP_PROXY、ALL_PROXY 和 SSL_CERT_FILE"
    ),
    # hub/history
    "the history of {a} has more than {b} MiB, the most that is read": "{a} 的历史超过 {b} MiB，这是最多读取的大小",
    "something else than rows was put there: look at its largest files": "那里放了记录以外的东西：请查看其中最大的文件",
    # hub/accepted, hub/journal, hub/directory: what is wrong with a submission
    "{a} holds another row than the one that its name says": "{a} 里的记录不是文件名所说的那一条",
    "{a} was changed: its id is not that of its content": "{a} 被改动过：它的 id 不是其内容的 id",
    "{a} was changed by commit {b}": "{a} 被提交 {b} 改动过",
    "{a} was removed by commit {b}": "{a} 被提交 {b} 删除",
    "{a} was changed by hand": "{a} 被人手工改动过",
    "{a} was removed by hand": "{a} 被人手工删除",
    "{a} does not follow the commit before it": "{a} 不是接在前一个提交之后的",
    "{a} cannot be read, or has more than the {b} MiB of a row": "{a} 无法读取，或超过一条记录的 {b} MiB",
    # hub/tiers
    "row {a} is numbered before row {b}, which was accepted earlier": "记录 {a} 的编号在更早被接受的记录 {b} 之前",
    "row {a} is held for proved, and was never accepted": "记录 {a} 被算作已证明，但从未被接受",
    "row {a} is held for proved, and has no evidence here": "记录 {a} 被算作已证明，但这里没有它的证据",
    "row {a} is held for proved, and does not follow: {b}": "记录 {a} 被算作已证明，但证据推不出它：{b}",
    "row {a} is held for another throughput than its evidence gives": "记录 {a} 的吞吐量与证据给出的不同",
    "row {a} is held for signed by {b}, which no signature here shows": (
        "记录 {a} 被算作由 {b} 签名，但这里没有这样的签名"
    ),
    "row {a} is held for a claim, and its evidence here proves it": "记录 {a} 被算作自述，但这里的证据证明了它",
    "{a} {b}, which proves row {c}; restore it from the history first": (
        "{a} {b}，它证明记录 {c}；请先从历史中恢复它"
    ),
    "row {a} is signed by {b}, which it is not held for": "记录 {a} 有 {b} 的签名，但没有算在内",
    "the evidence of {a} more rows was not looked at: `rebuild --check` does": (
        "还有 {a} 条记录的证据没有核对：`rebuild --check` 会核对"
    ),
    "who signed row {a} was not looked at: {b}": "没有核对记录 {a} 的签名人：{b}",
    # hub/tombstones, hub/withdraw
    "a reason is one line of plain text of at most {a} characters": "原因是一行普通文字，最多 {a} 个字符",
    "give one: --reason '…'": "请给出：--reason '…'",
    "a tombstone is damaged": "墓碑已损坏",
    "a tombstone is about something other than this row": "墓碑说的不是这条记录",
    "{a} neither signed the row nor is a maintainer of the dataset; nothing was withdrawn": (
        "{a} 既没有为这条记录签名，也不是数据集的维护者；什么也没有撤回"
    ),
    "ask who signed it, or somebody whom `maintainers` in signers.json names": (
        "请签名的人，或 signers.json 的 `maintainers` 里的人来做"
    ),
    "signers.json is damaged": "signers.json 已损坏",
    "{a} holds {b} {c}; nothing was withdrawn": "{a} 里 {c} 是 {b}；什么也没有撤回",
    "no accepted row": "没有被接受的记录",
    "name the row's file instead of its id": "给出记录的文件，而不是 id",
    # site/gather
    "{a} is neither a folder nor the name of a dataset": "{a} 既不是文件夹也不是数据集的名称",
    "make hf_data/ with `sagellm-benchmark aggregate`, or name the dataset as owner/name": (
        "用 `sagellm-benchmark aggregate` 生成 hf_data/，或把数据集写成 owner/name"
    ),
    "{a} holds no rows": "{a} 没有记录",
    "make them with `sagellm-benchmark aggregate`": "用 `sagellm-benchmark aggregate` 生成",
    "{a} holds no board yet": "{a} 还没有榜单",
    "publish first, or give --from hf_data": "先发布，或给出 --from hf_data",
    "make the page from local rows: sagellm-benchmark site --from hf_data": (
        "用本地的记录生成页面：sagellm-benchmark site --from hf_data"
    ),
}
