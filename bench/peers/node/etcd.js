// The npm player for etcd: the package etcd3 under the harness's command line. Its keys begin with election/. Each
// campaign has a lease and a stream of its own; there is no way to share one.
'use strict';
const { Etcd3 } = require('etcd3');
const { options: o, us, sleep, Cpu, allOf, say, print, rssMb, input, play, warmUp } = require('./measure');

const connect = () => new Etcd3({ hosts: 'http://' + o.endpoint });
const waiting = campaign => new Promise(done => campaign.once('_isWaiting', done));

async function campaigns() {
  const client = connect();
  await client.get('warm').string();
  const election = client.election(o.prefix + 'w1', o.ttl);
  const lead = [], cycle = [];
  let cpu = new Cpu();
  for (let i = 0; i < o.rounds + warmUp; i++) {
    if (i === warmUp) cpu = new Cpu();
    const begin = us();
    const campaign = election.campaign('me');
    await campaign.wait();
    const leads = us();
    await campaign.resign();
    if (i < warmUp) continue;
    lead.push(leads - begin);
    cycle.push(us() - begin);
  }
  print({ ...cpu.of(o.rounds), ...allOf('lead_us', lead), ...allOf('cycle_us', cycle) });
}

async function handOver() {
  const elections = [connect(), connect()].map(c => c.election(o.prefix + 'w2', 60));
  let leader = elections[0].campaign('0');
  await leader.wait();
  const took = [], cpu = new Cpu();
  for (let i = 0; i < o.rounds; i++) {
    const next = elections[(i + 1) % 2].campaign('x');
    const won = next.wait().then(us);
    await sleep(o.settle_ms);
    const begin = us();
    const resigned = leader.resign();
    took.push(await won - begin);
    await resigned;
    leader = next;
  }
  print({ ...cpu.of(o.rounds), ...allOf('handover_us', took) });
}

async function stand() {
  const campaign = connect().election(o.prefix + 'stand', o.ttl).campaign('x');
  await campaign.wait();
  print({ leads_at_s: us() / 1e6 });
  await input();
}

async function throughput() {
  const client = connect();
  await client.get('warm').string();
  let count = 0;
  const cpu = new Cpu(), begin = us(), stop = begin + o.seconds * 1e6;
  await Promise.all(Array.from({ length: o.n }, async (_, i) => {
    const election = client.election(`${o.prefix}w4/${i}`, o.ttl);
    while (us() < stop) {
      const campaign = election.campaign('x');
      await campaign.wait();
      await campaign.resign();
      count++;
    }
  }));
  print({ elections: count, elections_per_s: count / ((us() - begin) / 1e6), ...cpu.of(count) });
}

async function many() {
  const client = connect(), campaigns = [];
  let lost = 0, next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < o.n) {
      const campaign = client.election(`${o.prefix}h/${next++}`, o.ttl).campaign('x');
      campaigns.push(campaign);
      campaign.on('error', () => lost++);
      await (o.workload === 'hold' ? campaign.wait() : waiting(campaign));
    }
  }));
  say('READY');
  await input();
  print({ still_valid: o.workload === 'hold' ? o.n - lost : 0 });
}

async function contention() {
  const election = connect().election(o.prefix + 'w6', 60);
  const leader = election.campaign('0');
  await leader.wait();
  const won = [];
  let wake = () => {};
  for (let i = 0; i < o.n; i++) {
    const campaign = election.campaign('x');
    campaign.on('error', e => { throw e; });
    campaign.on('elected', () => { won.push(campaign); wake(); });
    await waiting(campaign);
  }
  say('READY');
  await input();
  const took = [], cpu = new Cpu(), begin = us();
  let last = begin;
  await leader.resign();
  for (let i = 0; i < o.n; i++) {
    while (!won.length) await new Promise(done => { wake = done; });
    const campaign = won.shift(), at = us();
    took.push(at - last);
    last = at;
    if (i + 1 < o.n) await campaign.resign();
  }
  print({ handovers_per_s: o.n / ((last - begin) / 1e6), rss_mb: rssMb(), ...cpu.of(o.n), ...allOf('handover_us', took) });
}

play({ campaigns, 'hand-over': handOver, stand, throughput, hold: many, wait: many, contention });
