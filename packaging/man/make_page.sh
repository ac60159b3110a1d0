#!/bin/sh
# Makes a manual page, compressed, from Markdown: a page of this directory with what `--describe` says in
# place of @COMMANDS@ and @OPTIONS@, or one of docs/ with a line for its name.
#   make_page.sh PAGE.1.md VERSION OUTPUT TABLE
#   make_page.sh DOCUMENT.md VERSION OUTPUT "NAME - WHAT IT IS"
set -eu

source=$1
version=$2
output=$3
fourth=$4
here=$(dirname -- "$0")
page=$(basename -- "$output" .gz)
work=$output.work
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

case $source in
*.1.md)
    awk -v part=commands -f "$here/options.awk" "$fourth" >"$work/commands"
    awk -v part=options -v command= -f "$here/options.awk" "$fourth" >"$work/options"
    sed -e "/^@COMMANDS@\$/{r $work/commands" -e 'd}' -e "/^@OPTIONS@\$/{r $work/options" -e 'd}' "$source" \
        >"$work/page.md"
    ;;
*) # An installed program is called otherwise; headings of the first level are the page's sections.
    {
        printf '# NAME\n\n%s\n\n# DESCRIPTION\n\n' "$fourth"
        sed -e 1d -e 's/^## /# /' -e 's,\./launcher,drainpipe run,g' -e 's,"build/enqueue","drainpipe"\, "enqueue",g' \
            -e 's,build/enqueue,drainpipe enqueue,g' "$source"
    } >"$work/page.md"
    ;;
esac
lowdown -s -Tman --out-no-smarty -m "title: ${page%.*}" -m "section: ${page##*.}" -m "source: drainpipe $version" \
    -m "volume: Drainpipe" -m "date: " "$work/page.md" | gzip -9n >"$work/page.gz"
mv "$work/page.gz" "$output"
