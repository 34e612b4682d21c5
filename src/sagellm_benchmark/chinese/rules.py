"""What the fields of a row may hold, as its checks say it, by its English."""

from __future__ import annotations

RULES: dict[str, str] = {
    # what a field holds
    "missing": "缺失",
    "present twice": "出现了两次",
    "an object of {count} fields": "含 {count} 个字段的对象",
    "an array of {count}": "含 {count} 项的数组",
    "an integer of more than 64 bits": "超过 64 位的整数",
    "more than {count} levels": "超过 {count} 层",
    "{count} bytes": "{count} 字节",
    "that of {workload}": "{workload} 的名称",
    # what it may hold
    "one of {values}": "以下之一：{values}",
    "a whole number from {low} to {high}": "{low} 到 {high} 的整数",
    "a number from {low} to {high}": "{low} 到 {high} 的数字",
    "{what}, or null": "{what}，或 null",
    "{what}, or empty": "{what}，或留空",
    "{what}, or N/A": "{what}，或 N/A",
    "an object": "对象",
    "a text": "文本",
    "a text that is not blank": "非空白的文本",
    "an array of texts": "文本的数组",
    "true or false": "true 或 false",
    "a name of at most 200 ASCII characters, without .., \\, a leading / or double spaces": (
        "最多 200 个 ASCII 字符的名称，不含 ..、\\、开头的 / 或连续空格"
    ),
    "the model's size, such as 7B, 135M, 8x7B or 30B-A3B": "模型规模，例如 7B、135M、8x7B 或 30B-A3B",
    "a name of at most 64 letters, digits, spaces and ._+()-": "最多 64 个字母、数字、空格及 ._+()- 组成的名称",
    "a number, or a plain text such as 4": "数字，或像 4 这样的简单文本",
    "a text such as 4.0, inf, or 2..20 where the rate grows": "像 4.0、inf 这样的文本，速率递增时写作 2..20",
    "a number here, or the rate in workload.request_rate": "这里的数字，或 workload.request_rate 里的速率",
    "a UUID in lower-case hexadecimal with dashes": "带连字符的小写十六进制 UUID",
    "a SHA-256 in lower-case hexadecimal": "小写十六进制的 SHA-256",
    "a version X.Y.Z or X.Y.Z.W": "版本号 X.Y.Z 或 X.Y.Z.W",
    "an RFC 3339 time with its zone, such as 2026-03-19T02:07:31Z": (
        "带时区的 RFC 3339 时间，例如 2026-03-19T02:07:31Z"
    ),
    "a date such as 2026-03-19": "日期，例如 2026-03-19",
    "a link that begins with http:// or https://": "以 http:// 或 https:// 开头的链接",
    "present once in its object": "在所属对象中只出现一次",
    "a finite number of at most {most}": "绝对值不超过 {most} 的有限数字",
    "at most {count} characters": "最多 {count} 个字符",
    "at most {count} levels": "最多 {count} 层",
    "{name}, as rows already have it, or a name that does not look like it": (
        "已有记录所用的名称 {name}，或一个与它不相似的名称"
    ),
    # what new rows must hold
    "{value}: the form whose id follows from the content": "{value}（id 由内容得出的格式）",
    "{value}: measure the real weights; made-up ones only show speed": "{value}：请测量真实权重，随机权重只能说明速度",
    "{value}: maintainers verify a row once it is on the board": "{value}：记录上榜之后由维护者核实",
    "{value}: its own checks must find nothing against the run; see validity.reasons": (
        "{value}：它自己的检查不能发现任何问题；见 validity.reasons"
    ),
    "a number here or in metrics.tbt_ms, as answers have several tokens": (
        "数字，写在这里或 metrics.tbt_ms，因为回答有多个 token"
    ),
    "numbers of {names}": "{names} 的数字",
    "multi_node with a cluster, and another one with cluster null": (
        "有 cluster 时为 multi_node，cluster 为 null 时为其他值"
    ),
    "the same as {name}, or leave it out": "与 {name} 相同，或不写",
    "left out: it is computed from the row's fields": "不写：它由记录的字段算出",
    "the id of the row's own content, {id}": "由记录内容得出的 id，{id}",
    "absent from a row that is published": "不出现：已发布的记录没有它",
    "{custom}, or its load that of {workload}: {load}": "{custom}，或负载与 {workload} 相同：{load}",
    "a text here or in hardware.intra_node_interconnect": "文本，写在这里或 hardware.intra_node_interconnect",
    "an id of its own: {where} has this one": "自己的 id：{where} 已用这个 id",
}
