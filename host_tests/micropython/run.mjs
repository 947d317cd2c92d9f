// SPDX-License-Identifier: Apache-2.0
// Runs contract tests on real MicroPython (WebAssembly).
//   node run.mjs JOB.json     {"files": {PATH_INSIDE: HOST_PATH}, "path": [...], "steps": [PYTHON_SOURCE]}
// The code leaves its exit code in `exit_code`. Own exit codes: 3 for an exception that got out.
// Garbage is really collected only between steps: this build cannot scan the stack while it runs.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const print = (line) => process.stdout.write(line + "\n");
const vm = await loadMicroPython({ stdout: print, stderr: print, linebuffer: true });

for (const [inside, host] of Object.entries(job.files)) {
  vm.FS.mkdirTree(posix.dirname(inside));
  vm.FS.writeFile(inside, readFileSync(host));
}
try {
  vm.runPython(`import sys\nsys.path[:] = ${JSON.stringify(job.path)}`);
  for (const step of job.steps) await vm.runPythonAsync(step);
  process.exitCode = vm.globals.get("exit_code") ?? 3;
} catch (error) {
  print(String(error.message ?? error));
  process.exitCode = 3;
}
