"""Why something cannot be reached, or refuses, and what to do then, by its English."""

from __future__ import annotations

NETWORK: dict[str, str] = {
    "DNS does not know the host name": "DNS 不认识这个主机名",
    "check the spelling of the host, and the network": "检查主机名的拼写和网络",
    "nothing listens there (connection refused)": "那里没有服务在监听（连接被拒绝）",
    "start the server, or check host and port": "启动服务，或检查主机和端口",
    "the connection was broken off": "连接被中断",
    "check http against https, the server's log, and proxies in between": (
        "检查 http 还是 https、服务的日志和中间的代理"
    ),
    "no answer in time": "没有及时回答",
    "is the server up? Check host and port, and http against https": (
        "服务在运行吗？检查主机和端口，以及 http 还是 https"
    ),
    "TLS: {why}": "TLS：{why}",
    "TLS failed ({why})": "TLS 失败（{why}）",
    "what answers there does not speak it": "那里的服务不使用 TLS",
    "check http against https": "检查 http 还是 https",
    "the server's certificate is not valid yet": "服务的证书尚未生效",
    "check this machine's clock": "检查本机的时钟",
    "the server's certificate has expired": "服务的证书已过期",
    "have it renewed, and check this machine's clock": "请更新证书，并检查本机的时钟",
    "the server's certificate is self-signed": "服务的证书是自签名的",
    "name it in SSL_CERT_FILE if you trust it": "如果信任它，用 SSL_CERT_FILE 指明",
    "the server's certificate chain is self-signed": "服务的证书链是自签名的",
    "name its root in SSL_CERT_FILE if you trust it": "如果信任它，用 SSL_CERT_FILE 指明其根证书",
    "nobody trusted has signed the server's certificate": "服务的证书没有受信任者的签名",
    "name its issuer in SSL_CERT_FILE if you trust it": "如果信任它，用 SSL_CERT_FILE 指明其签发者",
    "the server's certificate is for another host name": "服务的证书属于另一个主机名",
    "the server's certificate is for another address": "服务的证书属于另一个地址",
    "use the name that the certificate is for": "使用证书所属的名称",
    "the server's certificate is not trusted ({why})": "服务的证书不受信任（{why}）",
    "check it": "请检查",
    "a key is wanted: put it into {place}": "需要密钥：把它放进 {place}",
    "the key may not do this: check {place}": "该密钥没有权限：检查 {place}",
    "it limits requests: wait and try again": "对方限制请求：等一会儿再试",
    "it may still be loading what it serves: try again in a moment": "它可能还在加载：过一会儿再试",
    "an LLM server": "LLM 服务",
    "the code host's API": "代码托管平台的 API",
    "the Hugging Face Hub": "Hugging Face Hub（模型与数据集平台）",
    "--base-url: it is what comes before /v1, for example http://host:8000": (
        "--base-url：它是 /v1 之前的部分，例如 http://host:8000"
    ),
    "an environment variable, and name that with --api-key-env": "环境变量，并用 --api-key-env 给出变量名",
    "check --base-url: an OpenAI-compatible server answers JSON at /v1/models": (
        "检查 --base-url：OpenAI 兼容的服务在 /v1/models 回答 JSON"
    ),
    "check GITHUB_API_URL, and proxies in between": "检查 GITHUB_API_URL 和中间的代理",
    "check HF_ENDPOINT, and proxies in between": "检查 HF_ENDPOINT 和中间的代理",
    "{what}: no usable answer ({why})": "{what}：没有可用的回答（{why}）",
    "check the network and HF_ENDPOINT, then try again": "检查网络和 HF_ENDPOINT，然后再试",
    "somebody else is publishing; try again in a minute": "有人正在发布；一分钟后再试",
    "the Hub is busy; try again later": "Hub 繁忙；稍后再试",
    "the Hub has a problem; try again later": "Hub 有故障；稍后再试",
    "No such file or directory": "没有这个文件或文件夹",
    "Permission denied": "没有权限",
    "Is a directory": "是文件夹",
    "No space left on device": "磁盘空间不足",
}
