# Completion for fish; see table.awk.
function quoted(text) {
    gsub(/[\\']/, "\\\\&", text)
    return "'" text "'"
}
function value_of(what) {
    if (what == "names") return " -x -a '(__drainpipe_names)'"
    if (what == "files") return " -r -F"
    if (what == "directories") return " -x -a '(__fish_complete_directories)'"
    if (what == "commands") return " -x -a '(__fish_complete_command)'"
    return what == "" ? " -x" : " -x -a '" what "'"
}
END {
    print "# fish completion for drainpipe; made from what its --help says."
    print "function __drainpipe_names # of pipelines that run, or have run"
    print "    for lock in $XDG_RUNTIME_DIR/drainpipe/*.lock /run/drainpipe/*.lock /run/drainpipe/*/*.lock /tmp/drainpipe-(id -u)/*.lock"
    print "        string replace -r '.*/(.*)\\.lock' '$1' $lock"
    print "    end"
    print "end"
    print "complete -c drainpipe -f"
    print "complete -c drainpipe -n __fish_use_subcommand -s h -l help -d 'Print this and exit'"
    print "complete -c drainpipe -n __fish_use_subcommand -l version -d 'Print the version and exit'"
    for (i = 1; i <= commands; i++) {
        name = command[i]
        print "complete -c drainpipe -n __fish_use_subcommand -a " name " -d " quoted(help[name])
    }
    for (i = 1; i <= commands; i++) {
        name = command[i]
        condition = "complete -c drainpipe -n '__fish_seen_subcommand_from " name "'"
        for (j = 1; j <= options[name]; j++) {
            count = split(flag[name, j], words, ",")
            text = ""
            for (k = 1; k <= count; k++) text = text (words[k] ~ /^--/ ? " -l " substr(words[k], 3) : " -s " substr(words[k], 2))
            print condition text (type[name, j] == "" ? "" : value_of(values(type[name, j]))) " -d " quoted(meaning[name, j])
        }
        more = arguments(name)
        if (more == "files") print condition " -F"
        else if (more != "") print condition " -a '" more "'"
    }
}
