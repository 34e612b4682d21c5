"""What commands other than `run` answer, line by line, by its English."""

from __future__ import annotations

ANSWERS: dict[str, str] = {
    # compare
    "B is faster": "B 更快",
    "B is slower": "B 更慢",
    "mixed: B is faster in some figures and slower in others": "不一致：B 有些数字更快，有些更慢",
    "cannot tell: there are fewer than {fewest} rounds": "无法判断：少于 {fewest} 轮",
    "cannot tell: a leaderboard row does not say how sure its figures are; compare run folders": (
        "无法判断：排行榜记录不说明其数字有多可靠；请比较运行的文件夹"
    ),
    "cannot tell: there are too few requests to say how sure these figures are; measure both with --repeats 5": (
        "无法判断：请求太少，无法得知这些数字有多可靠；请用 --repeats 5 重新测量双方"
    ),
    "cannot tell: any difference is smaller than {share}": "无法判断：即使有差异，也小于 {share}",
    "cannot tell: {wanted} would decide a difference of {share}": "无法判断：{wanted}才能判定 {share} 的差异",
    "{count} more repeat": "再重复 {count} 次",
    "{count} more repeats": "再重复 {count} 次",
    "{count} more rounds": "再进行 {count} 轮",
    "at least {count} more repeats": "至少再重复 {count} 次",
    "more than {most} more repeats": "再重复 {most} 次以上",
    "more than {most} more rounds": "再进行 {most} 轮以上",
    "{name} is not valid ({reasons})": "{name} 无效（{reasons}）",
    "it is not valid": "它无效",
    "not known": "未知",
    "attention: {what}": "注意：{what}",
    "regression": "退步",
    "to": "至",
    "regression: {what}": "退步：{what}",
    "not decided: {what}: the figure has no interval; send more requests, or repeat the run": (
        "无法判定：{what}：这个数字没有区间；请增加请求数，或重复运行"
    ),
    "not checked of {side}: {what}": "{side} 未检查：{what}",
    "not checked: {what}": "未检查：{what}",
    "figure": "数字",
    "difference": "差异",
    "B is": "B 的结论",
    "faster": "更快",
    "slower": "更慢",
    "same": "相同",
    "cannot tell": "无法判断",
    "lower": "更低",
    "higher": "更高",
    "better": "更好",
    "worse": "更差",
    "{what} is {one} in one and {other} in the other": "{what} 一边为 {one}，另一边为 {other}",
    "both are the same run: no figure differs in any digit": "两者是同一次运行：每个指标的每一位数字都相同",
    (
        "one was measured by {one} and the other by {other}: each takes times in its own way, "
        "so a difference may be that of the clients"
    ): "一边由 {one} 测量，另一边由 {other} 测量：两个客户端的计时方式不同，差异可能来自客户端本身",
    # aggregate and validate
    "no finished run under {folder}/; measure one first: {command}": "{folder}/ 下没有已完成的运行；先测量：{command}",
    "{count} finished run under {folder}/: {fates}": "{folder}/ 下有 {count} 个已完成的运行：{fates}",
    "{count} finished runs under {folder}/: {fates}": "{folder}/ 下有 {count} 个已完成的运行：{fates}",
    "{count} added": "{count} 条新增",
    "{count} improved": "{count} 条改进",
    "{count} already there": "{count} 条已存在",
    "{count} beaten": "{count} 条被超过",
    "{count} withdrawn": "{count} 条已撤回",
    "{count} left out": "{count} 条略过",
    "{count} damaged": "{count} 条损坏",
    "no rows": "没有记录",
    "{destination}: no rows": "{destination}：没有记录",
    "{what}; trying again in {delay} s ({count} of {most})": "{what}；{delay} 秒后重试（第 {count} 次，共 {most} 次）",
    "gave up after {count} tries: {what}": "尝试 {count} 次后放弃：{what}",
    "could not read {url}: no usable answer ({why})": "无法读取 {url}：没有可用的回答（{why}）",
    "left out, not to be published:": "略过，不可发布：",
    "damaged, skipped:": "已损坏，跳过：",
    "in {folder}/, left as they are: rows that may not be published": "{folder}/ 中不可发布的记录保持原样",
    "and {count} more; --json lists them all": "还有 {count} 条；--json 列出全部",
    "and {count} more": "还有 {count} 条",
    "{folder}/: {rows}, {kept} kept as they were ({how}); {what}": (
        "{folder}/：{rows}，其中 {kept} 条保持不变（{how}）；{what}"
    ),
    "{count} row": "{count} 条记录",
    "{count} rows": "{count} 条记录",
    "{count} submission": "{count} 次提交",
    "{count} submissions": "{count} 次提交",
    "nothing fetched": "没有下载",
    "merged with the published board": "已与发布的榜单合并",
    "nothing to change": "无需更改",
    "wrote {files}": "写入了 {files}",
    "next:  delete or repair the damaged files, then aggregate again": "下一步：删除或修复损坏的文件，然后再次汇总",
    "next:  {submit} (commits hf_data/ and pushes it), or, without Actions: {publish}": (
        "下一步：{submit}（提交 hf_data/ 并推送）；不用 Actions 时：{publish}"
    ),
    "next:  sagellm-benchmark {command}": "下一步：sagellm-benchmark {command}",
    "next:  make {command}": "下一步：make {command}",
    "there are no files to check; without FILES, those in hf_data/ are checked": (
        "没有要检查的文件；不给 FILES 时检查 hf_data/ 中的文件"
    ),
    "and {count} more; --json lists them": "还有 {count} 条；--json 列出",
    "{good} of {all} row valid": "{all} 条记录中有 {good} 条有效",
    "{good} of {all} rows valid": "{all} 条记录中有 {good} 条有效",
    "{count} of them only because they are published already; --as-new says what new ones lack": (
        "其中 {count} 条仅因已发布而有效；--as-new 说明新记录还缺什么"
    ),
    "{file}, row {count}": "{file}，第 {count} 条",
    "no entry_id": "没有 entry_id",
    "Leaderboard rows": "排行榜记录",
    "There are no files to check.": "没有要检查的文件。",
    "valid": "有效",
    "valid if already published; refused as new: {reasons}": "已发布则有效；作为新记录会被拒绝：{reasons}",
    "added": "新增",
    "improved": "改进",
    "already there": "已存在",
    "beaten": "被超过",
    "withdrawn": "已撤回",
    "was": "原为",
    "by": "超过者",
    # publish, clean, submit and rebuild
    "Rows that were published": "已发布的记录",
    "Rows that this adds to the board": "将加入榜单的记录",
    "row": "记录",
    "model": "模型",
    "workload": "工作负载",
    "chip": "芯片",
    "what becomes of it": "结果",
    "new": "新",
    "cannot be read": "无法读取",
    "refused: {reasons}": "拒绝：{reasons}",
    "instead of": "代替",
    "valid: the first of its configuration": "有效：该配置的第一条",
    "valid: comes onto the board": "有效：将登上榜单",
    "valid: kept, but beaten": "有效：保留，但被超过",
    "withdrawn: it stays off the board": "已撤回：不再登上榜单",
    "None.": "无。",
    "Published before: {rows}.": "此前已发布 {rows}。",
    "hf_data/ after publishing": "发布后的 hf_data/",
    "removed {file}": "已移除 {file}",
    "{file}: not published: {names}": "{file}：未发布：{names}",
    "only rows that are not published are left in {file}": "{file} 中只剩未发布的记录",
    "There was nothing to remove.": "没有需要移除的内容。",
    "somebody else wrote the board: {rows} that it had lost are back on it": "有人改写了榜单：它丢失的 {rows} 已恢复",
    "{store}: withdrew {row}": "{store}：已撤回 {row}",
    "{store}: was withdrawn before: {row}": "{store}：此前已撤回：{row}",
    "back on the board: {row}": "回到榜单：{row}",
    "making the page of the board": "正在生成榜单页面",
    "not as it was accepted: {what}": "与接受时不同：{what}",
    "not looked at: {what}": "没有核对：{what}",
    "a file of the board has {size} MiB of at most {most}: plan the move to shards (docs/publishing.md)": (
        "榜单的一个文件有 {size} MiB，上限 {most}：请计划改用分片（docs/publishing.md）"
    ),
    "left out: {what}": "略过：{what}",
    "nothing was sent": "没有发送任何内容",
    "written and read back: {where}": "已写入并读回：{where}",
    "nothing to write: {where}": "无需写入：{where}",
    "{where}: holds every row of yours already, nothing to push": "{where}：已有你的全部记录，无需推送",
    "{where}: pushed {rows} in {commit}": "{where}：在 {commit} 中推送了 {rows}",
    "{count} other pushes came first; their rows and yours are merged": "有 {count} 次其他推送在先；双方的记录已合并",
    "next:  git pull (your checkout has work of its own, so it was left as it is)": (
        "下一步：git pull（你的检出有自己的改动，所以保持原样）"
    ),
    'the workflow "Upload to Hugging Face" publishes it in 1 to 3 minutes': (
        "工作流“Upload to Hugging Face”会在 1 到 3 分钟内发布"
    ),
    "branch {branch}: hf_data/ holds no rows, nothing to remove": "分支 {branch}：hf_data/ 没有记录，无需移除",
    "branch {branch}: removed {files} in {commit}": "分支 {branch}：在 {commit} 中移除了 {files}",
    "the published rows of {file}": "{file} 中已发布的记录",
    "kept: {what}": "保留：{what}",
    "at {commit}: the boards are, byte for byte, what {source} give": "在 {commit}：榜单与{source}给出的逐字节相同",
    "at {commit}: the boards are not what {source} give": "在 {commit}：榜单与{source}给出的不同",
    "{folder}: the boards that {source} give at {commit}": "{folder}：在 {commit} 由{source}给出的榜单",
    "{submissions} and {rows} recorded beside them": " {submissions}和另外记录的 {rows}",
    "note: {what}": "说明：{what}",
    # verify, replay and sign
    "row {entry}, {count} request": "记录 {entry}，{count} 个请求",
    "row {entry}, {count} requests": "记录 {entry}，{count} 个请求",
    "row {entry}": "记录 {entry}",
    "… and {count} more": "…… 还有 {count} 条",
    "every number and the verdict follow from the requests": "每个数字和结论都由请求得出",
    "{count} do not follow from the requests": "{count} 项不能由请求得出",
    "claimed        {rate}": "自述     {rate}",
    "measured again {rate}": "再次测量 {rate}",
    "not the same configuration: another {what}": "不是同样的配置：{what} 不同",
    "reproduced: {change}, and 5 % or overlapping intervals are allowed": (
        "已复现：相差 {change}（允许相差 5 % 或区间重叠）"
    ),
    "not reproduced: {change}, and only 5 % is allowed where a run had too few requests for an interval": (
        "未能复现：相差 {change}；请求太少、没有区间的运行只允许相差 5 %"
    ),
    "not reproduced: {change}, which is more than 5 %, and the intervals do not overlap": (
        "未能复现：相差 {change}，超过 5 %，且区间不重叠"
    ),
    "{run}: signed; row {row} waits in {folder}/": "{run}：已签名；记录 {row} 在 {folder}/ 中等待",
    "next:  {submit}, or, without Actions: {publish}": "下一步：{submit}；不用 Actions 时：{publish}",
    "next:  put your name in, and have a maintainer add this to the keys of signers.json": (
        "下一步：填上你的名字，请维护者把它加入 signers.json 的密钥"
    ),
    # matrix
    "lowest": "最低",
    "highest": "最高",
    "verdicts": "结论",
    "verdict": "结论",
    "cell": "单元",
    "state": "状态",
    "to do": "待测量",
    "failed": "失败",
    "{count} of {all} comparisons have engines on different nodes: the machines differ, too (REPORT.md says which)": (
        "{all} 组比较中有 {count} 组的引擎在不同节点上测量：机器也不同（见 REPORT.md）"
    ),
    "{count} of {all} measured": "{all} 个中已测量 {count} 个",
    # questions
    "There is no dataset {name}. Create it?": "数据集 {name} 不存在。要创建它吗？",
    "Remove {names} from {branch}, and push?": "从 {branch} 删除 {names} 并推送？",
    # doctor
    "embedded engine": "内嵌引擎",
    "disk": "磁盘",
    "memory": "内存",
    "{version} on {system}, in a virtual environment": "{system} 上的 {version}，在虚拟环境中",
    "{version} on {system}, no virtual environment": "{system} 上的 {version}，不在虚拟环境中",
    "version {version}, in {folder}": "版本 {version}，位于 {folder}",
    "{packages}; the default model's weights are here": "{packages}；默认模型的权重已在本机",
    "{packages}; the default model's weights are fetched at the first run ({size})": (
        "{packages}；默认模型的权重在第一次运行时下载（{size}）"
    ),
    "not installed ({packages}); only engines that already serve can be measured": (
        "没有安装（{packages}）；只能测量已在运行的引擎"
    ),
    "in .make/, from make": "在 .make/ 中，由 make 安装",
    "on PATH": "在 PATH 中",
    "branch {branch}, clean, remote {remote}": "分支 {branch}，没有改动，远程仓库 {remote}",
    "branch {branch}, {count} changed files, remote {remote}": (
        "分支 {branch}，{count} 个文件有改动，远程仓库 {remote}"
    ),
    "{what}, no identity": "{what}，没有设置身份",
    "none": "无",
    "{folder}: {free} GB free; here: {here} GB": "{folder}：{free} GB 可用；此处：{here} GB",
    "{free} of {all} GB available, {count} processors": "{all} GB 中 {free} GB 可用，{count} 个处理器",
    "memory unknown": "显存未知",
    "its token holds a character that cannot be sent": "它的令牌含有无法发送的字符",
    "ok": "正常",
    "note": "说明",
    "BLOCKED": "受阻",
    "not installed": "没有安装",
    "not needed here; in a checkout, make installs it by itself": "这里不需要；在检出中 make 会自行安装",
    "install git to submit rows; measuring works without it": "提交记录需要安装 git；测量不需要",
    "this folder is no checkout": "这个文件夹不是检出",
    "rows are submitted from a clone of the project": "记录从本项目的克隆中提交",
    "switched off by HF_HUB_OFFLINE": "被 HF_HUB_OFFLINE 关闭",
    "unset HF_HUB_OFFLINE to fetch and publish": "要下载和发布，请取消 HF_HUB_OFFLINE",
    "the token holds a character that cannot be sent": "令牌含有无法发送的字符",
    "check the network or HF_ENDPOINT; meanwhile: {offline}, and publish --to DIR": (
        "检查网络或 HF_ENDPOINT；在此期间：{offline}，以及 publish --to DIR"
    ),
    "{where} reachable, logged in as {name}": "{where} 可以访问，登录为 {name}",
    "{where} reachable, not logged in": "{where} 可以访问，没有登录",
    "to publish: {how}": "要发布：{how}",
    "{where} refuses the token ({status})": "{where} 拒绝令牌（{status}）",
    "{where} answers {status}": "{where} 回答 {status}",
    "try again later; meanwhile: {offline}": "稍后再试；在此期间：{offline}",
    "free some space, or set HF_HOME to a folder with more": "腾出空间，或把 HF_HOME 设到更大的文件夹",
    "close something, or measure a smaller model": "关闭一些程序，或测量更小的模型",
    "none found; the embedded engine runs on the processor": "没有找到；内嵌引擎在处理器上运行",
    "without Actions: {how}": "不用 Actions：{how}",
    "the last run failed: {why}": "上次运行失败：{why}",
    "to see it here: make ci": "在这里查看：make ci",
    "the last run shows no failure": "上次运行没有失败",
    "{log} does not hold the billing message": "{log} 不含计费消息",
    "to run the same checks here: make ci": "在这里运行同样的检查：make ci",
    "starts no jobs: account payments failed or the spending limit is reached": (
        "不启动任务：账户付款失败或达到支出上限"
    ),
    "run everything here instead: {how} (the checks), make publish (the upload)": (
        "改为在这里运行：{how}（检查），make publish（上传）"
    ),
    "not asked: no GITHUB_TOKEN; a failed run's text can be given with --log FILE": (
        "没有询问：没有 GITHUB_TOKEN；可用 --log FILE 给出失败运行的文本"
    ),
    # REPORT.md and the sweep
    "Not publishable:": "不可发布：",
    "Not checked:": "未检查：",
    "Headline": "要点",
    "Refused: too few values": "不给出：样本太少",
    "what": "项目",
    "value": "值",
    "how sure": "可靠程度",
    "run": "运行",
    "Hollow points are runs that are not valid.": "空心点是无效的运行。",
}
