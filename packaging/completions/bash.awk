# Completion for bash; see table.awk.
function case_of(words, action) { printf "        %s) %s ;;\n", words, action }
function action_of(what) {
    if (what == "names") return "_drainpipe_names"
    if (what == "files") return "_drainpipe_paths -f"
    if (what == "directories") return "_drainpipe_paths -d"
    if (what == "commands") return "mapfile -t COMPREPLY < <(compgen -c -- \"$current\")"
    return "_drainpipe_words \"" what "\""
}
END {
    print "# bash completion for drainpipe; made from what its --help says."
    print "_drainpipe_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }"
    print "_drainpipe_paths() {"
    print "    compopt -o filenames 2>/dev/null"
    print "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")"
    print "}"
    print "_drainpipe_names() { # of pipelines that run, or have run; others may have made the files"
    print "    local lock"
    print "    for lock in \"$XDG_RUNTIME_DIR\"/drainpipe/*.lock /run/drainpipe/*.lock /run/drainpipe/*/*.lock /tmp/drainpipe-\"$UID\"/*.lock; do"
    print "        lock=${lock##*/} lock=${lock%.lock}"
    print "        if [[ $lock =~ ^[A-Za-z0-9_-][A-Za-z0-9._-]*$ && $lock == \"$current\"* ]]; then"
    print "            COMPREPLY+=(\"$lock\")"
    print "        fi"
    print "    done"
    print "}"
    print "_drainpipe() {"
    print "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}"
    print "    COMPREPLY=()"
    print "    if [[ $COMP_CWORD -eq 1 ]]; then"
    printf "        _drainpipe_words \""
    for (i = 1; i <= commands; i++) printf "%s ", command[i]
    print "help --help --version\""
    print "        return"
    print "    fi"
    print "    # --flag=value comes in three words."
    print "    if [[ $current == = ]]; then"
    print "        current="
    print "    elif [[ $previous == = ]]; then"
    print "        previous=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    fi"
    print "    case $command$previous in"
    for (i = 1; i <= commands; i++) {
        name = command[i]
        for (j = 1; j <= options[name]; j++) {
            if (type[name, j] == "") continue
            words = flag[name, j]
            gsub(/,/, "|" name, words)
            what = values(type[name, j])
            case_of(name words, (what == "" ? ":" : action_of(what)) "; return")
        }
    }
    print "    esac"
    print "    case $command in"
    for (i = 1; i <= commands; i++) {
        name = command[i]
        words = ""
        for (j = 1; j <= options[name]; j++) words = words (words == "" ? "" : " ") flag[name, j]
        gsub(/,/, " ", words)
        more = arguments(name)
        if (more == "files") {
            case_of(name, "if [[ $current == -* ]]; then _drainpipe_words \"" words "\"; else _drainpipe_paths -f; fi")
        } else {
            case_of(name, "_drainpipe_words \"" (more == "" ? "" : more " ") words "\"")
        }
    }
    printf "        help) _drainpipe_words \""
    for (i = 1; i <= commands; i++) printf "%s%s", i == 1 ? "" : " ", command[i]
    print "\" ;;"
    print "    esac"
    print "}"
    print "complete -F _drainpipe drainpipe"
}
