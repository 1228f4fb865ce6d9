"""Writes the BibTeX entries of a release and of the method behind it."""

from __future__ import annotations

import re

from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import escape_bibtex
from audiomcq_cli.release.texts.croissant import HUB, find_repo

METHOD = """\
@misc{he2025audiomcq,
  title = {Measuring Audio's Impact on Correctness: Audio-Contribution-Aware Post-Training of
           Large Audio Language Models},
  author = {Haolin He and Xingjian Du and Renhe Sun and Zheqi Dai and Yujia Xiao and Mingru Yang and Jiayi Zhou and
            Xiquan Li and Zhengxi Liu and Zining Liang and Chunyat Wu and Qianhua He and Tan Lee and Xie Chen and
            Wei-Long Zheng and Weiqiang Wang and Mark Plumbley and Jian Liu and Qiuqiang Kong},
  year = {2025},
  eprint = {2509.21060},
  archivePrefix = {arXiv},
}"""


def cite_release(info: ReleaseInfo, questions: int) -> str:
    """Return the BibTeX entry of a release. It has no year, because a release does not depend on when it was built."""
    key = re.sub(r"[^a-z0-9]+", "-", f"{info.name}-{info.version}".lower()).strip("-") or "release"
    title = escape_bibtex(info.title) or escape_bibtex(info.name)
    fields = {
        "title": f"{{{title}}}",
        "version": f"{{{escape_bibtex(info.version)}}}",
        "note": f"{{{questions:,} multiple-choice questions about audio}}",
    }
    if repo := find_repo(info):
        fields |= {
            "author": f"{{{{{escape_bibtex(repo.partition('/')[0])}}}}}",
            "howpublished": f"{{\\url{{{HUB}{repo}}}}}",
        }
    lines = "".join(f"  {name} = {value},\n" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}}}"
