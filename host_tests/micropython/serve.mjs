// SPDX-License-Identifier: Apache-2.0
// Real MicroPython (WebAssembly) whose REPL answers on a TCP port, so that mpremote can talk to it.
//   node serve.mjs SPEC.json     {"preamble": PYTHON_SOURCE, "power_cycle": BOOL, "files": {PATH: HOST_PATH}}
// Prints the port. One connection at a time. A soft reset makes a new machine with the same file
// system, runs the preamble (which stands in for what this build lacks) and boot.py. With
// power_cycle every closed connection does that too, as unplugging a board does.
// Raw paste is refused as the protocol allows: this build could only read it from its own console.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { posix } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));
const CTRL_A = 1, CTRL_B = 2, CTRL_E = 5, SOFT_RESET = 0x100;
const NOT_FILES = ["/dev", "/proc"];
let client = null, vm = null, raw = false, held = [], muted = false;

const send = (bytes) => {
  if (client && !client.destroyed && !muted) client.write(Buffer.from(bytes));
};

function copyTree(from, to, folder) {
  for (const name of from.FS.readdir(folder)) {
    const path = posix.join(folder, name);
    if (name === "." || name === ".." || NOT_FILES.includes(path)) continue;
    if (from.FS.isDir(from.FS.stat(path).mode)) {
      to.FS.mkdirTree(path);
      copyTree(from, to, path);
    } else {
      to.FS.writeFile(path, from.FS.readFile(path));
    }
  }
}

async function boot() {
  const old = vm;
  vm = await loadMicroPython({ stdout: send, stderr: send, linebuffer: false });
  if (old) copyTree(old, vm, "/");
  muted = true;
  vm.runPython(spec.preamble ?? "");
  muted = false;
  if (vm.FS.analyzePath("/boot.py").exists) {
    try {
      vm.runPython(vm.FS.readFile("/boot.py", { encoding: "utf8" }));
    } catch (error) {
      send(Buffer.from(String(error.message).replace(/\n/g, "\r\n") + "\r\n"));
    }
  }
  muted = true;
  vm.replInit();
  muted = false;
}

async function softReset() {
  send(Buffer.from("MPY: soft reboot\r\n"));
  await boot();
  if (raw) vm.replProcessChar(CTRL_A);
}

async function take(byte) {
  if (raw && (byte === CTRL_E || held.length)) {
    held.push(byte);
    if (held.length < 3) return;
    held = [];
    send(Buffer.from("R\x00", "latin1"));
    return;
  }
  if (byte === CTRL_A) raw = true;
  if (byte === CTRL_B) raw = false;
  if (vm.replProcessChar(byte) & SOFT_RESET) await softReset();
}

await boot();
for (const [inside, host] of Object.entries(spec.files ?? {})) {
  vm.FS.mkdirTree(posix.dirname(inside));
  vm.FS.writeFile(inside, readFileSync(host));
}

let work = Promise.resolve();
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  work = work.then(() => {
    client = socket;
    held = [];
  });
  socket.on("data", (data) => {
    work = work.then(async () => {
      for (const byte of data) if (socket === client) await take(byte);
    });
  });
  socket.on("close", () => {
    work = work.then(async () => {
      if (socket === client) client = null;
      if (spec.power_cycle) {
        raw = false;
        await boot();
      }
    });
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(server.address().port + "\n"));
process.stdin.on("end", () => process.exit(0)).resume();
