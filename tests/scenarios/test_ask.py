#!/usr/bin/env python3
"""The asking half of jit-cert against the real signer, agent, ssh and sshd.

test_ask.py SIGNER CERT SK_PROVIDER
"""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from lab import Lab, until

BAD = []


def check(name, good, *seen):
    print("ok" if good else "NOT OK", "-", name, flush=True)
    if not good:
        BAD.append(name)
        print("  seen:", *seen)


def row(lab, name, who, args, status, *words, env=None):
    """One run: its exit status, and words on either of its outputs."""
    got, out, err = lab.run(who, *args, env=env)
    check(name, got == status and all(w in out + err for w in words), got,
          out, err)
    return out + err


def held(lab, who):
    """The certificates in the agent: their lines in ssh-add -l."""
    done = subprocess.run(["ssh-add", "-l"], env=lab.env(who), text=True,
                          stdout=subprocess.PIPE, check=False)
    return [x for x in done.stdout.split("\n") if "CERT" in x]


def ask(lab, who, role, *args):
    """Request; its whole id."""
    status, out, err = lab.run(who, "request", role, "--json", *args)
    if status != 0:
        raise RuntimeError(f"request {role}: {status} {out} {err}")
    return json.loads(out)["id"]


def ask_and_get(lab, who, role, *args):
    rid = ask(lab, who, role, *args)
    lab.decide("bob" if who != "bob" else "carol", who, rid)
    return rid


def where(lab):
    row(lab, "no signer named is a usage error", "alice",
        ["request", "prod-db-ro"], 2, "--signer", "JIT_CERT_SIGNER",
        env={"JIT_CERT_SIGNER": ""})
    begin = time.monotonic()
    row(lab, "a signer that is not there is told at once", "alice",
        ["request", "prod-db-ro"], 17, "jit-signer",
        env={"JIT_CERT_SIGNER": str(lab.dir / "nobody")})
    check("in under five seconds", time.monotonic() - begin < 5)
    row(lab, "first use is said aloud", "alice",
        ["request", "no-such-role"], 15, "First use", "+", "SHA256:",
        "--pin")
    again = row(lab, "and once", "alice", ["request", "prod-db-r"], 15,
                "did you mean prod-db")
    check("not the second time", "First use" not in again, again)
    pin = "elsewhere+00000000+" + "A" * 44
    status, out, err = lab.run("bob", "--pin", pin, "request", "prod-db-ro")
    check("another log than the pinned one is refused",
          status in (2, 18), status, out, err)


def who(lab):
    row(lab, "no key that is enrolled", "alice", ["request", "prod-db-ro"],
        15, "no key here is enrolled", "whoami --policy",
        env={"SSH_AUTH_SOCK": str(lab.dir / "stranger")})
    row(lab, "no key at all", "alice", ["request", "prod-db-ro"], 15,
        "you have no key", env={"SSH_AUTH_SOCK": ""})
    row(lab, "--as somebody else", "alice",
        ["--as", "bob", "request", "prod-db-ro"], 15, "enrolled for bob")
    row(lab, "--as nobody", "alice",
        ["--as", "zoe", "request", "prod-db-ro"], 15, "zoe")
    subprocess.run(["ssh-add", "-q", lab.dir / "erin" / "key"],
                   env=lab.env("dana"), check=True, stderr=subprocess.DEVNULL)
    row(lab, "keys of two people", "dana", ["request", "prod-db-ro"], 2,
        "dana", "erin", "--as")
    row(lab, "--as decides it", "dana",
        ["--as", "dana", "request", "prod-db-ro"], 15, "you (dana)")
    row(lab, "so does --key", "dana",
        ["--key", lab.dir / "dana" / "key", "request", "prod-db-ro"], 15,
        "you (dana)")


def refused(lab):
    row(lab, "a reason is demanded", "alice", ["request", "prod-db"], 15,
        "--reason")
    row(lab, "and by its pattern", "alice",
        ["request", "prod-db", "-r", "because"], 15, "^INC-")
    row(lab, "characters that a terminal would obey", "alice",
        ["request", "prod-db-ro", "-r", "\x1b[2J"], 2)
    row(lab, "nobody can approve", "alice", ["request", "lonely"], 13,
        "NOBODY", "lonely needs 3 of sre (alice, bob, carol)",
        "you are alice", "Nothing was sent", "ask dana (admin)")
    row(lab, "not in the group", "erin",
        ["request", "prod-db", "-r", "INC-1 x"], 15, "sre", "erin")
    row(lab, "longer than the role allows", "alice",
        ["request", "prod-db-ro", "--for", "5h"], 15, "4h")
    row(lab, "beyond the horizon", "alice",
        ["request", "prod-db-ro", "--closes", "2d"], 15, "1d")
    row(lab, "which role", "alice", ["request"], 2, "--like")
    check("nothing of all that was kept", lab.ids("alice") == [],
          lab.ids("alice"))


def decided(lab):
    rid = ask(lab, "alice", "prod-db", "-r", "INC-7 payments", "--for", "20m")
    end = rid[-4:]
    row(lab, "still open", "alice", ["wait", end, "--no-wait"], 14, "0 of 2",
        "jit-cert wait")
    row(lab, "waited for no longer than said", "alice",
        ["wait", end, "--timeout", "1s"], 14, ": 0 of 2", "bob, carol",
        "jit-cert approve", "Ctrl-C keeps the request")
    row(lab, "too early to collect", "alice", ["collect", end], 14)
    row(lab, "or to drop", "alice", ["drop", end], 14, "cancel")
    row(lab, "somebody else cannot take it back", "carol", ["cancel", end],
        15, "alice's request")
    child = lab.begin("alice", "wait", rid)
    time.sleep(1.5)
    lab.decide("bob", "alice", rid, comment="go ahead")
    lab.end(lab.daemon)
    time.sleep(1)
    lab.serve()
    time.sleep(1)
    lab.decide("carol", "alice", rid)
    out, err = child.communicate(timeout=60)
    check("waiting survives a restart of the signer", child.returncode == 0
          and re.search("went away|jit-signer", err)
          and re.search("is back|answers again", err)
          and 'bob approved' in err and '"go ahead"' in err
          and "carol approved" in err and "jit-cert collect" in out,
          child.returncode, out, err)
    row(lab, "cancelled after all", "alice",
        ["cancel", end, "--comment", "not needed"], 0, "Cancelled")
    row(lab, "which waiting tells", "alice", ["wait", rid], 12, "CANCELLED")
    check("the locker is gone", lab.ids("alice") == [], lab.ids("alice"))

    out = row(lab, "asked again like that one", "alice",
              ["request", "--like", rid, "--json"], 0, "INC-7 payments",
              '"duration":1200')
    rid = json.loads(out)["id"]
    lab.decide("carol", "alice", rid, "deny", "use the replica")
    row(lab, "denied", "alice", ["wait", rid], 10, "DENIED",
        "Denied by carol", '"use the replica"', "request --like")
    row(lab, "in JSON", "alice", ["wait", rid, "--json"], 10,
        '"error":"denied"', '"exit":10')
    rid = ask(lab, "alice", "prod-db-ro", "--closes", "3s", "--for", "2s")
    row(lab, "closed without a decision", "alice", ["wait", rid], 11,
        "CLOSED", "0 of 1", "bob, carol did not answer", "request --like")


def collected(lab):
    rid = ask_and_get(lab, "alice", "prod-db-ro", "--for", "10m")
    first = json.loads(lab.run("alice", "collect", rid, "--json")[1])
    check("collected into the agent", first["in_agent"] and
          len(held(lab, "alice")) == 1 and rid in held(lab, "alice")[0],
          first, held(lab, "alice"))
    left = sorted(os.listdir(os.path.dirname(first["certificate"])))
    check("the private key has left the locker", left ==
          ["id-cert.pub", "known_hosts", "request", "secret"], left)
    again = json.loads(lab.run("alice", "collect", rid, "--json")[1])
    check("asked again it is the same", again == first, again, first)
    row(lab, "ssh has it by then, and passes status and output on", "alice",
        ["ssh", "prod-db-ro", "--", "db1", "echo here; exit 7"], 7, "here\n",
        "Approved by bob", "[logout]", f"jit-cert drop {rid[-4:]}")
    row(lab, "another server of the role, not asked twice", "alice",
        ["ssh", "prod-db-ro", "--", f"{lab.user}@db2", "true"], 0,
        "Serial 1")
    out = lab.run("alice", "ssh", "prod-db-ro", "--", "db1", "cat; echo e >&2")
    check("standard output is the other side's alone", out[1] == "", out)
    row(lab, "a server that the role does not open", "alice",
        ["ssh", "prod-db-ro", "--", "db3"], 125, "db1, db2")
    row(lab, "an account that it does not open", "alice",
        ["ssh", "prod-db-ro", "--", "nobody@db1"], 125, "nobody")
    row(lab, "cancel comes too late", "alice", ["cancel", rid], 15, "drop")
    for i in range(8):
        path = lab.dir / "alice" / f"other{i}"
        lab.keygen(path, "other")
        subprocess.run(["ssh-add", "-q", path], env=lab.env("alice"),
                       check=True, stderr=subprocess.DEVNULL)
    row(lab, "eight other keys in the agent do no harm", "alice",
        ["ssh", "prod-db-ro", "--", "db1", "true"], 0)
    line = lab.run("alice", "collect", rid)[1].split("or: ")[1].strip()
    done = subprocess.run(f"{line} echo by hand", shell=True, text=True,
                          env=lab.env("alice"), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    check("the line that is printed works", done.stdout == "by hand\n", line,
          done)
    row(lab, "dropped, to ask for a later window", "alice", ["drop", rid], 0)
    rid = ask_and_get(lab, "alice", "prod-db-ro", "--opens", "+8s")
    row(lab, "before it opens", "alice",
        ["ssh", "prod-db-ro", "--", "db1", "true"], 125, "LATER", "it opens")
    row(lab, "and it is not collected by that", "alice",
        ["wait", rid, "--json"], 0, '"state":"approved"')
    time.sleep(8)
    row(lab, "when it opens, its whole time is there", "alice",
        ["ssh", "prod-db-ro", "--", "db1", "true"], 0, "Serial 2", "(1h)")
    two = ask_and_get(lab, "alice", "prod-db-ro")
    row(lab, "the next grant", "alice", ["collect", two], 0, "Serial 3")
    check("drives the previous one out of the agent",
          len(held(lab, "alice")) == 1 and two in held(lab, "alice")[0],
          held(lab, "alice"))
    row(lab, "dropped", "alice", ["drop", two], 0, "Dropped")
    check("its key has left the agent", held(lab, "alice") == [],
          held(lab, "alice"))
    row(lab, "and it is over", "alice", ["collect", two], 11, "DROPPED")
    row(lab, "an access whose key is gone does not count", "alice",
        ["ssh", "prod-db-ro", "--no-wait", "--", "db1"], 125, "WAITING",
        "its key is not on this machine")
    row(lab, "dropped too", "alice", ["drop", rid], 0)


def connected(lab):
    child = lab.begin("alice", "ssh", "prod-db", "-r", "INC-9 disk", "--",
                      "db1", "echo in")
    until(lambda: lab.ids("alice"))
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    count = len(lab.ids("alice"))
    child = lab.begin("alice", "ssh", "prod-db", "-r", "INC-9 disk", "--",
                      "db1", "echo in")
    time.sleep(1.5)
    check("after Ctrl-C it is not asked again",
          len(lab.ids("alice")) == count, lab.ids("alice"))
    row(lab, "that another reason is not used is told", "alice",
        ["ssh", "prod-db", "-r", "INC-10 other", "--no-wait", "--", "db1"],
        125, "INC-9 disk", "open already", "jit-cert cancel")
    rid = [r for r in lab.ids("alice") if "role: prod-db sha256" in
           lab.request_text("alice", r)][-1]
    for name in ("bob", "carol"):
        row(lab, f"{name} approves by jit-cert", name,
            ["approve", rid[-4:], "--yes"], 0)
    out, err = child.communicate(timeout=60)
    check("asked, waited, collected, logged in", child.returncode == 0
          and out == "in\n" and ": 0 of 2" in err
          and "1 of 2 (bob " in err and "Can still approve: carol" in err
          and "Approved by bob and carol after" in err, child.returncode,
          out, err)


def wrap(lab, name, before, config=""):
    """An ssh in a folder for PATH: with a configuration of the user's."""
    top = lab.dir / name
    top.mkdir()
    (top / "config").write_text(config)
    (top / "ssh").write_text(f"#!/bin/sh\n{before} exec "
                             f"{shutil.which('ssh')} -F {top / 'config'} "
                             '"$@"\n')
    (top / "ssh").chmod(0o755)
    return {"PATH": f"{top}:{lab.env('alice')['PATH']}"}


def hardware_agent(lab, who):
    """An agent that signs with its keys and takes no others: its socket."""
    path = lab.dir / who / "hardware"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def read(s):
        head = s.recv(4, socket.MSG_WAITALL)
        return head and head + s.recv(struct.unpack(">I", head)[0],
                                      socket.MSG_WAITALL)

    def talk(s):
        with s, socket.socket(socket.AF_UNIX) as real:
            real.connect(str(lab.dir / who / "agent"))
            while message := read(s):
                if message[4] in (17, 25):
                    s.sendall(b"\0\0\0\1\5")
                    continue
                real.sendall(message)
                s.sendall(read(real))

    def serve():
        while True:
            threading.Thread(target=talk, args=[server.accept()[0]],
                             daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return {"SSH_AUTH_SOCK": str(path)}


def hardware(lab):
    env = hardware_agent(lab, "erin")
    rid = ask_and_get(lab, "erin", "prod-db-ro")
    run = ["ssh", "prod-db-ro", "--", "db1", "echo in"]
    row(lab, "an agent that takes no certificates: files", "erin", run, 0,
        "in\n", "takes no certificates", rid, env=env)
    out = row(lab, "which is told once", "erin", run, 0, "in\n", env=env)
    check("not again", "takes no" not in out, out)
    row(lab, "collect tells the file", "erin", ["collect", rid], 0,
        f"in {lab.dir}", "id-cert.pub", "CertificateFile", env=env)
    row(lab, "and drop removes it", "erin", ["drop", rid], 0, env=env)
    check("nothing is left", lab.ids("erin") == [], lab.ids("erin"))


def sockets(pid):
    """How many connections does that process hold?"""
    fds = f"/proc/{pid}/fd"
    return sum(os.readlink(f"{fds}/{n}").startswith("socket:")
               for n in os.listdir(fds))


def configured(lab):
    run = ["ssh", "prod-db", "--", "db1", "echo in"]
    row(lab, "what the user's configuration says does no harm", "alice", run,
        0, "in\n", env=wrap(lab, "w1", "", "\n".join([
            "IdentityAgent /nonexistent", "PubkeyAuthentication no",
            "IdentityFile ~/.ssh/other", "CertificateFile ~/.ssh/other.pub",
            "RemoteCommand uptime", "AddKeysToAgent yes", "CheckHostIP yes",
            "ControlMaster auto", f"ControlPath {lab.dir}/mux",
            "ControlPersist 1m", "LogLevel QUIET", ""])))
    check("and no shared connection outlives the window",
          not (lab.dir / "mux").exists())
    row(lab, "a key that is not where ssh looks", "alice", run, 255, "NO KEY",
        "db1 takes the certificate", "ssh-agent did not sign",
        env=wrap(lab, "w2", "unset SSH_AUTH_SOCK;"))
    child = lab.begin("alice", "ssh", "prod-db", "--", "db1", "echo in; sleep 20")
    child.stdout.readline()
    held_by = sockets(child.pid)
    child.terminate()
    child.communicate(timeout=30)
    check("while ssh runs nothing is kept open", held_by == 0, held_by)
    check("what ends it ends ssh", child.returncode not in (0, None),
          child.returncode)


def explained(lab):
    lab.end(lab.hosts["db2"]["sshd"])
    lab.start_sshd("db2", trust=False)
    out = row(lab, "a server that lacks the CA is explained", "alice",
              ["ssh", "prod-db", "--", "db2", "true"], 255, "SSHD NO",
              "key offered", "lacks CA SHA256:", f"{lab.user}.prod-db",
              "journalctl -u ssh -g")
    check("and ssh's own words are there", "Permission denied" in out, out)
    lab.end(lab.hosts["db1"]["sshd"])
    (lab.dir / "hosts" / "db1").unlink()
    (lab.dir / "hosts" / "db1.pub").unlink()
    lab.keygen(lab.dir / "hosts" / "db1", "impostor")
    lab.start_sshd("db1")
    row(lab, "another host key is never taken", "alice",
        ["ssh", "prod-db", "--", "db1", "true"], 255, "HOST KEY")
    known = lab.dir / "known"
    known.write_text("#!/bin/sh\necho db1 " + " ".join(
        lab.public(lab.dir / "hosts" / "db1").split()[:2]) + "\n")
    known.chmod(0o755)
    row(lab, "nor by the user's configuration", "alice",
        ["ssh", "prod-db", "--", "db1", "true"], 255, "HOST KEY",
        env=wrap(lab, "w3", "", f"KnownHostsCommand {known}\n"))
    child = lab.hosts["db2"]["sshd"]
    lab.end(child)
    row(lab, "no server at all is ssh's to tell", "alice",
        ["ssh", "prod-db", "--", "db2", "true"], 255, "Connection refused")


def without_agent(lab):
    env = {"SSH_AUTH_SOCK": "", "XDG_RUNTIME_DIR": ""}
    key = ["--key", lab.dir / "bob" / "key"]
    status, out, err = lab.run("bob", *key, "request", "prod-db-ro", "--json",
                               "--for", "15s", env=env)
    rid = json.loads(out)["id"]
    state = lab.dir / "bob" / ".local" / "state"
    run = lab.dir / "bob" / "run"
    check("without XDG_RUNTIME_DIR it waits in the state folder",
          (state / "jit-cert" / rid).is_dir(), status, err)
    (run / "jit-cert" / rid).mkdir(parents=True)
    shutil.copy(state / "jit-cert" / rid / "request",
                run / "jit-cert" / rid / "request")
    lab.decide("alice", "bob", rid)
    out = lab.dir / "out"
    out.mkdir(mode=0o700)
    row(lab, "collected into a folder", "bob",
        [*key, "collect", rid, "--out", out], 0, "Log in", env=env)
    modes = {p.name: oct(p.stat().st_mode & 0o777) for p in out.iterdir()}
    check("of private files", modes == {"id": "0o600", "id-cert.pub":
          "0o600", "known_hosts": "0o600"}, modes)
    done = subprocess.run(
        ["ssh", "-i", out / "id", "-oIdentitiesOnly=yes", "-oHostKeyAlias=db1",
         f"-oUserKnownHostsFile={out / 'known_hosts'}", "-p",
         str(lab.hosts["db1"]["port"]), "127.0.0.1", "echo by hand"],
        env=lab.env("bob") | env, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False)
    check("which ssh takes", done.stdout == "by hand\n", done)
    row(lab, "ssh without an agent", "bob",
        [*key, "ssh", "prod-db-ro", "--", "db1", "echo file"], 0, "file\n",
        env=env)
    time.sleep(15)
    row(lab, "over when its time is over", "bob", [*key, "wait", rid], 11,
        "EXPIRED", "Your access ended", "request --like", env=env)
    lab.run("bob", *key, "request", "prod-db-ro", "--json", env=env)
    check("what is over leaves the machine with the next request",
          not (state / "jit-cert" / rid).exists())


def touched(lab):
    out = row(lab, "the key that can satisfy the role is chosen", "tom",
              ["request", "prod-touch"], 0, "Touch your key (SHA256:",
              "tom@yubikey)")
    check("and asked once", out.count("Touch") == 1, out)
    out = row(lab, "no touch where none is demanded", "tom",
              ["request", "prod-db-ro"], 0)
    check("the other key signed", "Touch" not in out, out)
    row(lab, "no key that can be touched", "alice",
        ["request", "prod-touch"], 15, "sshsig+touch", "ssh-ed25519")


def main():
    with Lab(*sys.argv[1:3], provider=sys.argv[3]) as lab:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        lab.dir / "x"], check=True)
        stranger = subprocess.Popen(["ssh-agent", "-D", "-a",
                                     lab.dir / "stranger"],
                                    stdout=subprocess.DEVNULL)
        lab.children.append(stranger)
        until((lab.dir / "stranger").exists)
        subprocess.run(["ssh-add", "-q", lab.dir / "x"], check=True,
                       env={**os.environ, "SSH_AUTH_SOCK":
                            str(lab.dir / "stranger")},
                       stderr=subprocess.DEVNULL)
        for part in (where, who, refused, touched, decided, collected, connected,
                     configured, hardware,
                     without_agent, explained):
            # Over the network another test has these rows (cli/net).
            if part is where and lab.road == "https":
                continue
            print("#", part.__name__, flush=True)
            part(lab)
        if BAD:
            print((lab.dir / "signer.log").read_text()[-4000:])
    print(len(BAD), "bad:", *BAD, sep="\n  ")
    return len(BAD) > 0


if __name__ == "__main__":
    sys.exit(main())
