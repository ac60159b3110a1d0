#!/bin/sh
# The manual pages: well formed, and each option of --help in its page, and the other way round.
#   manual.sh BUILD_DIRECTORY
set -eu

build=$1
pages=$build/rooms/packaging/man
failed=0
fail() {
    echo "manual.sh: $*" >&2
    failed=1
}
for program in lowdown mandoc; do
    command -v "$program" >/dev/null || { echo "skipped: the manual pages; $program is not there"; exit 0; }
done
shown() { gzip -dc "$pages/$1.gz" | mandoc -T utf8 -O width=200 | sed 's/.\x08//g'; }
options_of_page() { shown "$1" | sed -n "/^$2/,/^[A-Z]/p" | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '[-]-[a-z-]+' | sort; }
options_of_help() { "$@" --help | sed -n '/^Options:/,/^$/p' | grep -oE '^ +(-[a-z],)?--[a-z-]+' | grep -oE '[-]-[a-z-]+' | sort; }
same() { # what, then two lists
    [ -n "$2" ] || fail "$1: --help has no options"
    [ "$2" = "$3" ] || fail "$1: --help has: $2; the page has: $3"
}

for page in drainpipe.1 drainpipe-enqueue.1 drainpipe-worker.7 drainpipe-wire.7; do
    gzip -dc "$pages/$page.gz" | mandoc -T lint -W error >&2 || fail "$page is not well formed"
    for section in NAME DESCRIPTION; do
        shown "$page" | grep -q "^$section" || fail "$page has no section $section"
    done
done
same "drainpipe run" "$(options_of_help "$build/drainpipe" run)" "$(options_of_page drainpipe.1 "OPTIONS OF RUN")"
same "drainpipe enqueue" "$(options_of_help "$build/drainpipe" enqueue)" \
    "$(options_of_page drainpipe-enqueue.1 OPTIONS)"

commands=$("$build/drainpipe" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "drainpipe --help lists no commands"
for command in $commands; do
    about=$(shown drainpipe.1 | sed -n '/^COMMANDS/,/^OPTIONS/p' | grep -E -A 12 "^ +$command( |\$)") ||
        fail "drainpipe.1 has no command $command"
    case $command in run | enqueue) continue ;; esac
    for option in $(options_of_help "$build/drainpipe" "$command"); do
        [ "$option" = --help ] || echo "$about" | grep -qF -e "$option" || fail "drainpipe.1 has no $option of $command"
    done
done
exit "$failed"
