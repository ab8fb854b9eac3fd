// What the npm players share: flags, clocks, processor time, medians, and the one line of JSON at the end.
'use strict';
const fs = require('fs');

const options = {
  workload: process.argv[2], endpoint: '127.0.0.1:2379', mode: '', prefix: 'bench/', n: 1, rounds: 100, ttl: 10,
  settle_ms: 12, seconds: 3, server_pid: 0,
};
for (let i = 3; i + 1 < process.argv.length; i += 2) {
  const name = process.argv[i].slice(2).replace('-', '_');
  const value = process.argv[i + 1];
  options[name] = typeof options[name] === 'number' ? Number(value) : value;
}

const ns = () => Number(process.hrtime.bigint());  // CLOCK_MONOTONIC: the same for all processes of a host
const us = () => ns() / 1e3;
const sleep = ms => new Promise(done => setTimeout(done, ms));

function ownCpu() {
  const r = process.resourceUsage();
  return (r.userCPUTime + r.systemCPUTime) / 1e6;
}
function serverCpu() {
  if (!options.server_pid) return 0;
  const text = fs.readFileSync(`/proc/${options.server_pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

class Cpu {
  constructor() { this.own = ownCpu(); this.server = serverCpu(); }
  of(things) {
    const m = { client_cpu_ms: (ownCpu() - this.own) * 1e3 / things };
    if (options.server_pid) m.server_cpu_ms = (serverCpu() - this.server) * 1e3 / things;
    return m;
  }
}

function allOf(name, values) {
  values.sort((a, b) => a - b);
  return {
    [name + '_p50']: values[values.length >> 1], [name + '_p99']: values[Math.floor(values.length * 0.99)],
    [name + '_min']: values[0], [name + '_max']: values[values.length - 1], [name + '_count']: values.length,
  };
}

const say = text => fs.writeSync(1, text + '\n');
const print = m => say(JSON.stringify(m));
const rssMb = () => process.memoryUsage().rss / 1e6;

/// Resolves at the next line of the harness, or when it has closed our input.
const input = () => new Promise(done => { process.stdin.once('data', done); process.stdin.once('end', done); });

/// Runs the workload that was asked for.
function play(workloads) {
  const work = workloads[options.workload];
  Promise.resolve()
      .then(() => { if (!work) throw new Error('unknown workload ' + options.workload); return work(); })
      .then(() => process.exit(0))
      .catch(e => { console.error('node:', e); process.exit(1); });
}

const warmUp = 30;  // rounds that are not counted, as in every player
module.exports = { options, us, sleep, Cpu, allOf, say, print, rssMb, input, play, warmUp };
