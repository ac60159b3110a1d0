# What the makers of completions have in common: from the tables that `drainpipe`, `launcher` and
# `enqueue` print for --describe, in that order, the commands and what each takes.
#   command[1..commands], help[COMMAND]
#   options[COMMAND], flag[COMMAND, i], type[COMMAND, i], meaning[COMMAND, i]
#   argument[COMMAND], its first argument's name
BEGIN { FS = "\t" }

function add_command(name, what) {
    command[++commands] = name
    help[name] = what
}
function add_option(name, flags, of_type, what,    i) {
    i = ++options[name]
    flag[name, i] = flags
    type[name, i] = of_type
    meaning[name, i] = what
}
function take(name, flags,    i) { # one of run's
    for (i = 1; i <= options["run"]; i++) {
        if (flag["run", i] == flags) add_option(name, flags, type["run", i], meaning["run", i])
    }
}
# What can stand for a value: "names", "files", "directories", "commands", words, or nothing.
function values(of_type,    words, count, i, text) {
    if (of_type == "NAME") return "names"
    if (of_type == "FILE" || of_type == "PATH") return "files"
    if (of_type == "DIR") return "directories"
    if (of_type == "CMD") return "commands"
    count = split(of_type, words, "|")
    for (i = 1; i <= count; i++) {
        if (words[i] ~ /^[a-z]+$/) text = text (text == "" ? "" : " ") words[i]
    }
    return text
}
function arguments(name) {
    return name == "dead" ? "list retry drop" : argument[name] == "LOG" ? "files" : ""
}

FNR == 1 { own = ++tables == 2 ? "run" : "enqueue" }
$1 == "command" && tables == 1 { add_command($2, $3) }
$1 == "command" && tables == 2 { take($2, "--config") }
$1 == "takes" { take($2, $3) }
$1 == "option" { add_option($2 == "" ? own : $2, $3, $4, $6) }
$1 == "argument" && !(($2 == "" ? own : $2) in argument) { argument[$2 == "" ? own : $2] = $3 }
