"""Fetch the packed journal of the builds before, or store it: `journal.py fetch` and `journal.py store`.

The file is journal.sqlite here, in the private dataset that JOURNAL_REPO names on the Hub. Without JOURNAL_REPO, or on
a pull request of a fork (which is given no token), nothing is fetched.
"""

import os
import sys

from huggingface_hub import HfApi

FILE = "journal.sqlite"

repo, token = os.environ.get("JOURNAL_REPO"), os.environ.get("HF_TOKEN")
api = HfApi()
if not repo or not token:
    print("no JOURNAL_REPO or no HF_TOKEN: the journal is neither fetched nor stored", file=sys.stderr)
elif sys.argv[1] == "fetch":
    if api.repo_exists(repo, repo_type="dataset") and api.file_exists(repo, FILE, repo_type="dataset"):
        api.hf_hub_download(repo, FILE, repo_type="dataset", local_dir=".")
        print(f"fetched {FILE} from {repo}", file=sys.stderr)
elif sys.argv[1] == "store":
    api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
    api.upload_file(
        repo_id=repo,
        repo_type="dataset",
        path_or_fileobj=FILE,
        path_in_repo=FILE,
        commit_message=f"Journal of {os.environ.get('GITHUB_SHA', 'a build')[:12]}",
    )
    print(f"stored {FILE} in {repo}", file=sys.stderr)
