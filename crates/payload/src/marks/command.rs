//! Commands of an operating system, behind what separates them, and in the forms that hide them.

use tapline_model::Attack;

use super::Family;

/// What a shell reads as more than text.
pub(super) const SHELL: Family = Family {
    attack: Attack::Command,
    hints: &[";", "|", "&", "`", "$", "()", "\n", "{", "<(", "!", "%0a"],
    rules: &[
        // Shellshock (CVE-2014-6271).
        (r"^\s?\(\)\s?\{\s?(:|_|ignored|[a-z]+)?\s?;?\s?\}?\s?[;>_$]", 9),
        (r"\(\)\s?\{\s?:\s?;\s?\}\s?;", 9),
        (r"\(\)\s?\{\s?_;\s?\}\s?>_\[", 9),
        // Substitutions.
        (
            r"\$\(\s?/?(\S*/)?(bin/)?(cat|ls|id|whoami|uname|ping|nslookup|dig|host|curl|wget|nc|ncat|bash|sh|zsh|python[0-9.]*|perl|php|ruby|echo|sleep|printf|rev|base64|expr|env|set|pwd|hostname|ifconfig|head|tail|sort|sed|awk|tr|cut|xxd|touch|rm|tee|timeout|who|w|date|dir|netstat|ipconfig|systeminfo|tasklist|rm|net|reg|ps|nl|tac|find|which|uptime|systemctl|cp|mv|chmod)\b",
            6,
        ),
        (
            r"(^|[=;|&'\x22{$])`\s?/?([a-z0-9_./]*/)?(cat|whoami|uname|ping|nslookup|dig|curl|wget|nc|bash|sh|python[0-9.]*|perl|php|sleep|hostname|ifconfig|printenv|ls|echo|id|env|pwd|rev|dir|netstat|ipconfig|systeminfo|tasklist|touch|rm|net|ps|reg|nl|tac)(\s[^`]*)?`($|[^ ,.)])",
            6,
        ),
        (
            r"^[^ `]*`\s?/?([a-z0-9_./]*/)?(id|whoami|uname|ls|pwd|cat|sleep|ping|curl|wget|nslookup|dig|nc|bash|sh|perl|php|python[0-9.]*|ifconfig|ipconfig|netstat|systeminfo|tasklist|dir|ps|rm|touch|net|reg|echo|nl|tac|hostname)(\s[^`]*)?`[^ `]*$",
            6,
        ),
        (
            r"([;|&]|\|\||&&|%0a|^[^\n `]*\n)\s?(ps\s(aux|-[a-z])|net\s(user|view|share|localgroup|accounts)|reg\s(query|add)|timeout\s\d|print\(md5|(ver|set|env)\s?$|id\s?\|)",
            6,
        ),
        (r"\$\{?ifs\b|\$ifs\$?[0-9@]", 7),
        (r"\$\(\([^)]+\)\)[^)]*(\)|;|#|<)|\$\(\(\$\(\(|<<<\s?\$|\$0<<<", 6),
        (
            r"\$\{?(path|home|pwd|shell|user|hostname|oldpwd|bash_[a-z]+)(:[0-9]+:[0-9]+|%%|##|//)",
            6,
        ),
        (r"\$'\\x?[0-9a-f]{2,3}|\$\{@\}|\$\{!|\$@\S|\$\*\S", 5),
        (r"[<>]\(\s?[a-z/]+\s", 4),
        // A separator, then a command that is one whatever follows.
        (
            r"([;|&]|\|\||&&|%0a|^\s?\||^[^\n `]*\n)\s?('|\x22|\\|\{|\(|\$\()?\s?/?([a-z0-9_.?*/]{0,30}/)?(whoami|uname|ifconfig|ipconfig|netstat|nslookup|traceroute|tracert|systeminfo|tasklist|printenv|ncat|netcat|wget|curl|lynx|telnet|powershell(\.exe)?|pwsh|cmd(\.exe)?\s?/[ckr]|certutil|bitsadmin|mshta|rundll32|regsvr32|wmic|wscript|cscript|chmod|chown|useradd|adduser|crontab|iptables|busybox|socat|lsof|strace|xterm|phpinfo|getent|dmesg|uptime|arp|lscpu|lsblk)\b($|[\s;|&`'\x22#)<>$-])",
            6,
        ),
        // ... then one that is a word as well, with something only a command takes.
        (
            r"([;|&]|\|\||&&|%0a|^\s?\||^[^\n `]*\n)\s?('|\x22|\\|\{|\(|\$\()?\s?/?([a-z0-9_.?*/]{0,30}/)?(cat|ls|dir|id|ps|pwd|echo|ping6?|sleep|nc|bash|sh|zsh|ksh|csh|perl|tftp|nslookup|env|printf|python[0-9.]*)(\s-{1,2}[a-z0-9]|\s[/~$%*\\]|\s\.\.?/|\s[a-z]:[\\/]|\s?,/|\s?<\s?/|\s[a-z0-9_./-]+\.(txt|php|sh|py|log|conf|ini|exe|bat|pl|jsp)\b|\s[0-9.]+(\s?$|[\s;|&#)'\x22`])|\s?[;&#]|\s?\|\s?[a-z]|\s?['\x22`)}]?\s?$|\s['\x22]|\s(user|localgroup|view|share|etc|http))",
            6,
        ),
        (
            r"([;|&]|\|\||&&|%0a|^\s?\||^[^\n `]*\n)\s?('|\x22|\\|\{|\(|\$\()?\s?/?([a-z0-9_.?*/]{0,30}/)?(php[0-9.]*|java|gcc|rm|cp|mv|mkdir|touch|head|tail|more|less|sort|grep|egrep|find|awk|sed|cut|tr|xargs|tee|dd|tar|zip|gzip|ssh|scp|ftp|dig|host|type|copy|del|move|net1?|sc|reg|start|set|export|who|last|kill|mail|su|sudo|mount|df|du|od|xxd|rev|base64|base32|eval|exec|source|test|expr|time|timeout|nohup|man|vim?|git|make|pip|gem|npm|apt|yum|docker|kubectl|mysql|psql|ruby|node|lua|tclsh|expect|bc|nl|tac|strings|diff|uniq|wc|cmd|ver|vol|route|hostname|logname|groups|users|finger|date|cal|file|stat|readlink|md5sum|sha1sum)(\s-{1,2}[a-z0-9]|\s[/~$%*\\]|\s\.\.?/|\s[a-z]:[\\/]|\s?,/|\s?<\s?/|\s[a-z0-9_./-]+\.(txt|php|sh|py|log|conf|ini|exe|bat|pl|jsp)\b)",
            6,
        ),
        (r"\{(cat|ls|ping|sleep|nc|bash|sh|wget|curl|id|echo|eval|base64|printf),[^}]+\}", 7),
        (r"[;|&`]\s?/(usr/(local/)?)?s?bin/[a-z]", 7),
        (r"[;|&`(]\s?[./a-z0-9?*\[\]-]*/[a-z?*\[\]-]*[?*\[][a-z?*\[\]-]*(/[a-z?*\[\]-]+)?\s", 4),
        (r"[;|&`{]\s?[\\a-z'\x22?*]*/[a-z?*]*\?[a-z?*]*/[a-z?*]*\?", 6),
        (r">\s?/dev/(tcp|udp|null|stdout)|/dev/tcp/|2>&1|>&\s?[0-9]", 6),
        (r"\|\s?(bash|sh|zsh|nc|python[0-9.]*|perl|php|ruby)\s?(-|$|[;&|'\x22)`])", 6),
        (r"[;|&\n]\s?(shutdown|reboot|halt|poweroff|init [06]|format [a-z]:|mkfs|fdisk)", 6),
        (r"%(comspec|systemroot|windir|programfiles|appdata|temp|path)(:~[0-9,-]+)?%", 5),
        (r"(^|[;|&=(])\s?(set|let)\s/a\s|\bfor\s/[fldr]\s%", 6),
        (r"!(\w+:~|[a-z]+!)[^!]{0,20}!", 3),
    ],
};

/// Commands that need no separator to be known.
pub(super) const WORDS: Family = Family {
    attack: Attack::Command,
    hints: &[
        "/bin/",
        "cmd.exe",
        "powershell",
        "wget ",
        "curl ",
        "nc ",
        "cat ",
        "ping ",
        "ping.exe ",
        "nslookup ",
        "bash -",
        "sh -c",
        "python",
        "perl -",
        "ruby -",
        "php -",
        "chmod ",
        "rm -",
        "invoke-",
        "net user",
        "/sbin/",
        "certutil",
        "echo ",
        "sleep ",
        "uname",
        "whoami",
        "ls ",
        "id;",
        "dir ",
        "dir+",
        "type ",
        "tftp ",
        "ncat",
        "/dev/",
        "xp_",
        "passthru",
        "mshta",
        "cmd ",
        "rundll",
        "system('",
        "ifconfig",
        "ipconfig",
        "netstat",
    ],
    rules: &[
        (
            r"(^|[\s=:;|&'\x22(>`$])/?(usr/(local/)?)?s?bin/(ba|z|k|c|tc|da|a)?sh(\s|$|[;|&'\x22`<>)])",
            6,
        ),
        (r"(^|[=:;|&'\x22(>`$])\s?/(usr/(local/)?)?s?bin/[a-z0-9?*]{1,20}(\s|$|[;|&'\x22`<>)])", 6),
        (r"\bcmd(\.exe)?\s?(/|\^/)[ckr]\b", 6),
        (
            r"\b(powershell|pwsh)(\.exe)?\s?[-/](e|enc|c|nop|w|ex|ep|command|noni|file|sta|version)",
            6,
        ),
        (r"invoke-(expression|webrequest|command|mimikatz)|iex\s?\(|new-object\s(net|system)\.", 6),
        (r"^(wget|curl|lynx|fetch)\s(-\S+\s(\S+\s)?){0,3}['\x22]?(https?|ftp)://\S+", 5),
        (r"(^|[;|&])\s?(nc|ncat|netcat)(\.exe)?\s(-[a-z]+\s)+\S", 6),
        (
            r"^(cat|more|less|head|tail|nl|tac|type|strings|od|xxd|base64)\s(-\S+\s)?['\x22]?(/|\.\./|~/|[a-z]:\\|\$|%)",
            6,
        ),
        (
            r"^(ping6?|nslookup|dig|traceroute|host)(\.exe)?\s(-\S+\s(\d+\s)?)*[a-z0-9.-]+\.[a-z0-9-]+(\s|$|[;|&])",
            5,
        ),
        (
            r"^ls\s(-[a-z]+|/)|^dir\s([a-z]:|/|\\)|^rm\s-[rf]+|^chmod\s[0-7+]|^id\s?;|^sleep\s\d+\s?[;|&#]",
            5,
        ),
        (
            r"\b(ba|z|k)?sh\s-(c|i|p)\s['\x22$(>&]|\bbash\s-i\b|\bpython[0-9.]*\s-c\s|\bperl\s-e\s|\bruby\s-(e|rsocket)\s?|\bphp\s-r\s",
            6,
        ),
        (r"^(uname\s-[a-z]|whoami(\s?$|\s?[;|&/])|ifconfig(\s|$)|ipconfig(\s|$)|netstat\s-)", 5),
        (r"\bnet\s(user|localgroup|share|view|start|stop)\s[/a-z]", 4),
        (r"\bcertutil(\.exe)?\s-[a-z]|\bmshta\s(http|javascript|vbscript)|\brundll32(\.exe)?\s", 6),
        // Where a `+` was meant for a space.
        (r"(^|[;|&+])dir[+\s|][a-z]:([+/\\|\x22]|$)", 5),
        (r"/dev/(tcp|udp)/", 7),
    ],
};
