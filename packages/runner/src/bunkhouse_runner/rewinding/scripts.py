"""Shell scripts by which a checkpoint is taken and put back, as the agent's user.

The repository and the store are the agent's: a path in them may lead anywhere, so the runner, who
is root, neither reads nor writes there itself. Each runs in the workspace, and `$1` is the store.
"""

_UNDER_WAY = (
    "MERGE_HEAD MERGE_MSG MERGE_MODE AUTO_MERGE SQUASH_MSG CHERRY_PICK_HEAD REVERT_HEAD REBASE_HEAD"
    " BISECT_LOG BISECT_START BISECT_TERMS BISECT_NAMES BISECT_EXPECTED_REV BISECT_ANCESTORS_OK"
    " rebase-merge rebase-apply sequencer"
)
"""In the folder `.git`: what tells of a merge, a rebase and the like that is not finished."""

PREPARE = r"""
set -e
umask 077
if [ ! -e "$1/HEAD" ]; then
  rm -rf "$1" "$1.new"
  mkdir -p "${1%/*}"
  git init --quiet --bare --template= "$1.new"
  mkdir -p "$1.new/info"
  # Files are kept as they are, byte for byte, whatever the repository says of line ends or filters.
  printf '* -text -filter -ident -working-tree-encoding\n' >"$1.new/info/attributes"
  # The repository's index knows which files are unchanged since they were read, unless it converts
  # them or is told not to look: then everything is read once.
  index=$(git rev-parse --git-path index)
  if [ -f "$index" ] && [ ! -e "$(git rev-parse --git-path info/attributes)" ] \
    && [ -z "$(git config core.autocrlf)$(git config core.attributesFile)" ] \
    && [ -z "$(git ls-files -- ':(top,glob)**/.gitattributes')" ] \
    && ! git ls-files -v | grep -q '^[^H]'; then
    cp -p "$index" "$1.new/index"
  fi
  mv "$1.new" "$1"
fi
git rev-parse --path-format=absolute --git-path objects >"$1/objects/info/alternates"
cat "$(git rev-parse --git-path info/exclude)" >"$1/info/exclude" 2>/dev/null || :
rm -f "$1/index.lock"
"""
"""Make the store, or bring it up to date with where the repository has its objects."""

LOOK = rf"""
set -e
store=$1
keep() {{ GIT_DIR=$store git hash-object -w --stdin; }}
git symbolic-ref --quiet HEAD || git rev-parse --verify HEAD
git for-each-ref --format='%(refname) %(objectname)' refs/heads refs/tags | keep
index=$(git rev-parse --path-format=absolute --git-path index)
if [ -f "$index" ]; then keep <"$index"; else echo -; fi
cd "$(git rev-parse --absolute-git-dir)"
set --
for name in {_UNDER_WAY}; do [ ! -e "$name" ] || set -- "$@" "$name"; done
if [ $# = 0 ]; then echo -; else tar -cf - "$@" | keep; fi
"""
"""Keep how the repository is, beside its files; print four lines: head, refs, index, under way."""

PUT_BACK = rf"""
set -e
store=$1 index=$2 under_way=$3
kept() {{ GIT_DIR=$store git cat-file blob "$1"; }}
there=$(git rev-parse --absolute-git-dir)
place=$(git rev-parse --path-format=absolute --git-path index)
rm -f "$place.lock"
if [ "$index" = - ]; then
  rm -f "$place"
else
  kept "$index" >"$place.bunkhouse"
  mv "$place.bunkhouse" "$place"
fi
cd "$there"
rm -rf {_UNDER_WAY}
[ "$under_way" = - ] || kept "$under_way" | tar -xf -
"""
"""Put back the repository's index, and what was under way."""
