# Completion for zsh; see table.awk.
function quoted(text) { # within single quotes and brackets
    gsub(/[]\[:\\]/, "\\\\&", text)
    gsub(/'/, "'\\''", text)
    return text
}
function action_of(what) {
    if (what == "names") return "_drainpipe_names"
    if (what == "files") return "_files"
    if (what == "directories") return "_files -/"
    if (what == "commands") return "_command_names -e"
    return what == "" ? " " : "(" what ")"
}
function option_spec(name, j,    words, count, text, value) {
    text = "[" quoted(meaning[name, j]) "]"
    value = type[name, j] == "" ? "" : ":" quoted(type[name, j]) ":" action_of(values(type[name, j]))
    count = split(flag[name, j], words, ",")
    if (count == 1) return "'" words[1] (value == "" ? "" : "=") text value "'"
    return "'(" words[1] " " words[2] ")'{" words[1] "," words[2] (value == "" ? "" : "=") "}'" text value "'"
}
END {
    print "#compdef drainpipe"
    print "# zsh completion for drainpipe; made from what its --help says."
    print "_drainpipe_names() { # of pipelines that run, or have run"
    print "    local -a locks"
    print "    locks=(${XDG_RUNTIME_DIR:-/run}/drainpipe/*.lock(N:t:r) /run/drainpipe/*.lock(N:t:r) /run/drainpipe/*/*.lock(N:t:r) /tmp/drainpipe-$UID/*.lock(N:t:r))"
    print "    compadd -a locks"
    print "}"
    print "_drainpipe() {"
    print "    local curcontext=$curcontext state line"
    print "    local -a commands"
    print "    commands=("
    for (i = 1; i <= commands; i++) printf "        '%s:%s'\n", command[i], quoted(help[command[i]])
    print "    )"
    print "    _arguments -C '(- *)'{-h,--help}'[Print this and exit]' '(- *)--version[Print the version and exit]' \\"
    print "        '1:command:->command' '*::argument:->argument'"
    print "    case $state in"
    print "    command) _describe command commands ;;"
    print "    argument)"
    print "        curcontext=${curcontext%:*:*}:drainpipe-$words[1]:"
    print "        case $words[1] in"
    for (i = 1; i <= commands; i++) {
        name = command[i]
        printf "        %s) _arguments", name
        for (j = 1; j <= options[name]; j++) printf " \\\n            %s", option_spec(name, j)
        if (name in argument) printf " \\\n            '*:%s:%s'", quoted(argument[name]), action_of(arguments(name))
        print " ;;"
    }
    print "        help) _describe command commands ;;"
    print "        esac"
    print "        ;;"
    print "    esac"
    print "}"
    print "_drainpipe \"$@\""
}
