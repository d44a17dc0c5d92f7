"""Values that would do harm where they are not told apart from what shows them."""

from __future__ import annotations

SECRET = "s3cret-Value"

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload="window.hacked = 1">',
    "' onmouseover='window.hacked = 1",
    "</style></script><script>window.hacked = 1</script>",
    "--><!-- ]]>",
    "&lt;b&gt; &#60;",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m",
    "![pixel](https://example.invalid/x.png) [link](javascript:window.hacked=1) https://example.com",
    "@octocat and @github/security, see #1 and 39dd27aa4739184fa6214f2c784c57b605657c2a",
    "```\n</details>\n# heading\n| a | b |\n```",
    "~~~\n````\n</code></pre>",
    "a | b \\| c",
    "abc\u202egnp.exe\u202c and \u2066hidden\u2069",
    "zero\u200bwidth\ufeff and \u2028 lines \u2029 \x85 end",
    "nul\x00nul \x7f",
    '{"broken": ',
    "  leading and trailing  ",
    "one\r\ntwo\rthree\n\ttab",
    "مرحبا, some English",
    "=1+cmd|' /C calc'!A0",
    "NULL",
    "",
    "x" * 300_000,
)
