# The Python player: Debian's python3-etcd3 under the harness's command line. It has locks, no elections, and its
# Lock.acquire() cannot wait with Debian's tenacity; so what waits is the recipe that users write: create the key in a
# transaction, watch it, try again when it is gone.
import argparse
import json
import os
import resource
import sys
import threading
import time

import etcd3

WARM_UP = 30  # rounds that are not counted, as in every player
clock = time.perf_counter

parser = argparse.ArgumentParser()
parser.add_argument('workload')
for name, default in dict(endpoint='127.0.0.1:2379', mode='', prefix='bench/', n=1, rounds=100, ttl=10, settle_ms=12,
                          seconds=3.0, server_pid=0).items():
    parser.add_argument('--' + name.replace('_', '-'), default=default, type=type(default))
o = parser.parse_args()


def connect():
    host, port = o.endpoint.split(':')
    return etcd3.client(host=host, port=int(port))


def own_cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


def server_cpu():
    if not o.server_pid:
        return 0
    fields = open('/proc/%d/stat' % o.server_pid).read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Cpu:
    def __init__(self):
        self.own, self.server = own_cpu(), server_cpu()

    def of(self, things):
        m = dict(client_cpu_ms=(own_cpu() - self.own) * 1e3 / things)
        if o.server_pid:
            m['server_cpu_ms'] = (server_cpu() - self.server) * 1e3 / things
        return m


def all_of(name, values):
    values.sort()
    return {name + '_p50': values[len(values) // 2], name + '_p99': values[int(len(values) * .99)],
            name + '_min': values[0], name + '_max': values[-1], name + '_count': len(values)}


def finish(**m):
    print(json.dumps(m), flush=True)
    os._exit(0)  # its threads do not end by themselves


def ready():
    print('READY', flush=True)


def refresh_for_ever(lease):
    def loop():
        while True:
            lease.refresh()
            time.sleep(o.ttl / 3)
    threading.Thread(target=loop, daemon=True).start()


class Candidate:
    """The recipe. Every candidate wakes up at every change."""

    def __init__(self, client, key, lease):
        self.client, self.key, self.lease, self.woken = client, key, lease, threading.Event()

    def try_once(self):
        t = self.client.transactions
        return self.client.transaction(compare=[t.create(self.key) == 0],
                                       success=[t.put(self.key, str(self.lease.id), lease=self.lease)], failure=[])[0]

    def on_event(self, response):
        if any(isinstance(e, etcd3.events.DeleteEvent) for e in getattr(response, 'events', [])):
            self.woken.set()

    def acquire(self):
        if self.try_once():
            return True
        watch = self.client.add_watch_callback(self.key, self.on_event)
        try:
            while not self.try_once():
                self.woken.wait()
                self.woken.clear()
            return True
        finally:
            self.client.cancel_watch(watch)

    def release(self):
        self.client.delete(self.key)


def campaigns():
    client = connect()
    client.get('warm')
    kept = o.mode == 'kept'
    lease = client.lease(o.ttl + 60) if kept else None
    lead, cycle, cpu = [], [], Cpu()
    for i in range(o.rounds + WARM_UP):
        if i == WARM_UP:
            cpu = Cpu()
        begin = clock()
        if kept:
            candidate = Candidate(client, o.prefix + 'w1', lease)
            won = candidate.try_once()
            leads = clock()
            candidate.release()
        else:
            lock = client.lock(o.prefix + 'w1', ttl=o.ttl)
            won = lock.acquire()
            leads = clock()
            lock.release()
            lock.lease.revoke()
        end = clock()
        assert won
        if i >= WARM_UP:
            lead.append((leads - begin) * 1e6)
            cycle.append((end - begin) * 1e6)
    finish(**cpu.of(o.rounds), **all_of('lead_us', lead), **all_of('cycle_us', cycle))


def hand_over():
    clients = [connect(), connect()]
    leases = [c.lease(600) for c in clients]
    leader = Candidate(clients[0], o.prefix + 'w2', leases[0])
    leader.acquire()
    took, cpu = [], Cpu()
    for i in range(o.rounds):
        side = (i + 1) % 2
        candidate, won_at = Candidate(clients[side], o.prefix + 'w2', leases[side]), []
        thread = threading.Thread(target=lambda: (candidate.acquire(), won_at.append(clock())))
        thread.start()
        time.sleep(o.settle_ms / 1000)
        begin = clock()
        leader.release()
        thread.join()
        took.append((won_at[0] - begin) * 1e6)
        leader = candidate
    finish(**cpu.of(o.rounds), **all_of('handover_us', took))


def stand():
    client = connect()
    lease = client.lease(o.ttl)
    refresh_for_ever(lease)
    Candidate(client, o.prefix + 'stand', lease).acquire()
    print(json.dumps(dict(leads_at_s=time.clock_gettime(time.CLOCK_MONOTONIC))), flush=True)
    sys.stdin.read()
    os._exit(0)


def throughput():
    client = connect()
    client.get('warm')
    counts, kept = [0] * o.n, o.mode == 'kept'
    lease = client.lease(o.ttl + 60) if kept else None
    cpu, begin = Cpu(), clock()
    stop = begin + o.seconds

    def work(i):
        key = '%sw4/%d' % (o.prefix, i)
        while clock() < stop:
            if kept:
                candidate = Candidate(client, key, lease)
                assert candidate.try_once()
                candidate.release()
            else:
                lock = client.lock(key, ttl=o.ttl)
                assert lock.acquire()
                lock.release()
                lock.lease.revoke()
            counts[i] += 1
    threads = [threading.Thread(target=work, args=(i,)) for i in range(o.n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took, elections = clock() - begin, sum(counts)
    finish(elections=elections, elections_per_s=elections / took, **cpu.of(elections))


def hold():
    client = connect()
    lease = client.lease(o.ttl)
    refresh_for_ever(lease)
    held = [Candidate(client, '%sh/%d' % (o.prefix, i), lease) for i in range(o.n)]
    for candidate in held:
        assert candidate.try_once()
    ready()
    sys.stdin.read()
    finish(still_valid=len(held))


def wait():
    client = connect()
    lease = client.lease(o.ttl)
    refresh_for_ever(lease)
    waiting = [Candidate(client, '%sh/%d' % (o.prefix, i), lease) for i in range(o.n)]
    for candidate in waiting:
        assert not candidate.try_once()
        client.add_watch_callback(candidate.key, candidate.on_event)
    ready()
    sys.stdin.read()
    finish(still_valid=0)


def contention():
    client = connect()
    lease = client.lease(600)
    leader = Candidate(client, o.prefix + 'w6', lease)
    leader.acquire()
    won, bell = [], threading.Condition()

    def work():
        candidate = Candidate(client, o.prefix + 'w6', lease)
        candidate.acquire()
        with bell:
            won.append(candidate)
            bell.notify()
    for _ in range(o.n):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(1 + o.n / 100)  # nothing in the store tells who waits
    ready()
    sys.stdin.readline()
    took, cpu, begin = [], Cpu(), clock()
    last = begin
    # A wake-up can get lost among a thousand threads; what has been measured by then counts.
    while len(took) < o.n and clock() - begin < 20:
        leader.release()
        with bell:
            if not bell.wait_for(lambda: won, timeout=5):
                break
            leader = won.pop(0)
        at = clock()
        took.append((at - last) * 1e6)
        last = at
    done = len(took)
    rss = int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize() / 1e6
    finish(handovers_per_s=done / (last - begin), rss_mb=rss, **cpu.of(done), **all_of('handover_us', took))


dict(campaigns=campaigns, stand=stand, throughput=throughput, hold=hold, wait=wait, contention=contention,
     **{'hand-over': hand_over})[o.workload]()
