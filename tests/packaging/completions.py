#!/usr/bin/python3
"""Asks each shell what it would complete, as a person at its prompt does.

completions.py BUILD_DIRECTORY
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

build = os.path.abspath(sys.argv[1])
made = os.path.join(build, "rooms/packaging/completions")
failures = []

COMMANDS = {"run", "enqueue", "status", "top", "stop", "reload", "scale", "dead", "report", "config"}


def options(*command):
    text = subprocess.run([f"{build}/drainpipe", *command, "--help"], capture_output=True, text=True, check=True).stdout
    block = re.search(r"^Options:\n(.*?)(\n\n|\Z)", text, re.S | re.M).group(1)
    found = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", block, re.M))
    also = re.search(r"^Also (--config.*), as at the start", text, re.M)
    return found | (set(also.group(1).split(", ")) if also else set())


def of_bash(words):
    script = (f'. {made}/drainpipe; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _drainpipe; '
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    asked = subprocess.run(["bash", "-c", script, "bash", "", *words], capture_output=True, text=True)
    if asked.stderr:
        failures.append(f"bash, {words}: {asked.stderr}")
    return set(asked.stdout.split())


def of_fish(words):
    line = " ".join(words)
    asked = subprocess.run(["fish", "--no-config", "-c", f"source {made}/drainpipe.fish; complete -C '{line}'"],
                           capture_output=True, text=True, env={**os.environ, "HOME": scratch})
    if asked.stderr:
        failures.append(f"fish, {words}: {asked.stderr}")
    return {row.split("\t")[0] for row in asked.stdout.splitlines()}


class Zsh:
    """A prompt of zsh on a terminal of its own."""

    def __init__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="", HOME=scratch)
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.say(f"fpath=({made} $fpath); autoload -Uz compinit; compinit -u -D; PROMPT='' RPROMPT=''")
        # What would be offered is printed.
        self.say("compadd() { local -a got; builtin compadd -O got \"$@\" 2>/dev/null; "
                 "(( $#got )) && print -rn -- $'\\x02'\"${(j:|:)got}\"$'\\x03'; builtin compadd \"$@\" }")
        self.say("ask() { BUFFER=$ASKED; CURSOR=$#BUFFER; zle complete-word; print -r -- $'\\x04'; BUFFER=''; }")
        self.say("zle -N ask; bindkey '^T' ask; zstyle ':completion:*' verbose no; setopt NO_BEEP NO_LIST_AMBIGUOUS")
        self.say("echo REA''DY", until="READY")

    def read(self, until):
        text = ""
        limit = time.monotonic() + 20
        while until not in text:
            if time.monotonic() > limit:
                raise SystemExit(f"completions.py: zsh does not answer: {text!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                text += os.read(self.terminal, 65536).decode(errors="replace")
        return text

    def say(self, line, until=None):
        os.write(self.terminal, line.encode() + b"\n")
        return self.read(until) if until else None

    def complete(self, words):
        self.say(f"ASKED='{' '.join(words)}'; echo REA''DY", until="READY")
        os.write(self.terminal, b"\x14")
        offers = re.findall("\x02(.*?)\x03", self.read("\x04"), re.S)
        return {word for offer in offers for word in offer.split("|")}

    def close(self):
        os.write(self.terminal, b"exit\n")
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def check(shell, ask):
    def expect(words, expected, exactly=False):
        got = {word.rstrip("=") for word in ask(words)}
        if not expected <= got or (exactly and got - expected):
            failures.append(f"{shell}, '{' '.join(words)}': {sorted(got)}, expected {sorted(expected)}")

    expect(["drainpipe", ""], COMMANDS)
    expect(["drainpipe", "st"], {"status", "stop"}, exactly=True)
    expect(["drainpipe", "run", "--gra"], {"--grace"}, exactly=True)
    expect(["drainpipe", "run", "--dispatch", ""], {"demand", "broadcast"})
    expect(["drainpipe", "dead", "re"], {"retry"}, exactly=True)
    expect(["drainpipe", "run", "--config", f"{scratch}/ord"], {f"{scratch}/orders.conf"}
           if shell != "zsh" else {"orders.conf"})
    expect(["drainpipe", "status", "--name", "nor"], {"north"})
    for command in sorted(COMMANDS):
        if command != "config":  # every option of run
            expect(["drainpipe", command, "--"], options(command))


with tempfile.TemporaryDirectory() as scratch:
    open(f"{scratch}/orders.conf", "w").close()
    os.makedirs(f"{scratch}/drainpipe")
    open(f"{scratch}/drainpipe/north.lock", "w").close()
    # Others may make files there: a name is never run.
    open(f"{scratch}/drainpipe/nor$(touch $HOSTILE).lock", "w").close()
    os.environ["HOSTILE"] = f"{scratch}/touched"
    os.environ["XDG_RUNTIME_DIR"] = scratch
    hostile = os.environ["HOSTILE"]
    for name, ask in (("bash", of_bash), ("fish", of_fish)):
        if shutil.which(name):
            check(name, ask)
        else:
            print(f"skipped: the completion for {name}, which is not there")
    if shutil.which("zsh"):
        zsh = Zsh()
        check("zsh", zsh.complete)
        zsh.close()
    else:
        print("skipped: the completion for zsh, which is not there")
    if os.path.exists(hostile):
        failures.append("a shell has run what stands in a file's name")

for failure in failures:
    print(f"completions.py: {failure}", file=sys.stderr)
sys.exit(1 if failures else 0)
