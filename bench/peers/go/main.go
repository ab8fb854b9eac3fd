// The Go player: clientv3/concurrency, etcd's own election package, under the harness's command line.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/clientv3/concurrency"
)

var forever = context.Background()

func client() *clientv3.Client {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, DialTimeout: 5 * time.Second})
	check(err)
	return c
}

func session(c *clientv3.Client, ttl int) *concurrency.Session {
	s, err := concurrency.NewSession(c, concurrency.WithTTL(ttl))
	check(err)
	return s
}

// W1. The connection is kept in both modes; "fresh" makes a lease for each election.
func campaigns() {
	c := client()
	c.Get(forever, "warm")
	kept := *mode == "kept"
	var s *concurrency.Session
	if kept {
		s = session(c, *ttl)
	}
	var lead, cycle []float64
	cpu := startCPU()
	for i := 0; i < *rounds+warmUp; i++ {
		if i == warmUp {
			cpu = startCPU()
		}
		begin := time.Now()
		if !kept {
			s = session(c, *ttl)
		}
		e := concurrency.NewElection(s, *prefix+"w1")
		check(e.Campaign(forever, "me"))
		leads := time.Now()
		check(e.Resign(forever))
		if !kept {
			check(s.Close())
		}
		if i >= warmUp {
			lead = append(lead, us(leads.Sub(begin)))
			cycle = append(cycle, us(time.Since(begin)))
		}
	}
	m := metrics{}
	cpu.put(m, *rounds)
	m.putAll("lead_us", lead)
	m.putAll("cycle_us", cycle)
	m.print()
}

// W2.
func handOver() {
	var e [2]*concurrency.Election
	for i := range e {
		e[i] = concurrency.NewElection(session(client(), *ttl), *prefix+"w2")
	}
	check(e[0].Campaign(forever, "0"))
	var took []float64
	cpu := startCPU()
	for i := 0; i < *rounds; i++ {
		leader, next := e[i%2], e[(i+1)%2]
		won := make(chan time.Time, 1)
		go func() { check(next.Campaign(forever, "x")); won <- time.Now() }()
		time.Sleep(time.Duration(*settleMs) * time.Millisecond)
		begin := time.Now()
		check(leader.Resign(forever))
		took = append(took, us((<-won).Sub(begin)))
	}
	m := metrics{}
	cpu.put(m, *rounds)
	m.putAll("handover_us", took)
	m.print()
}

// W3, W8.
func stand() {
	e := concurrency.NewElection(session(client(), *ttl), *prefix+"stand")
	check(e.Campaign(forever, "x"))
	metrics{"leads_at_s": monotonic()}.print()
	untilInputEnds()
}

// W4.
func throughput() {
	c := client()
	c.Get(forever, "warm")
	var shared *concurrency.Session
	if *mode == "kept" {
		shared = session(c, *ttl)
	}
	var count int64
	var all sync.WaitGroup
	cpu, begin := startCPU(), time.Now()
	stop := begin.Add(time.Duration(*seconds * float64(time.Second)))
	for i := 0; i < *n; i++ {
		i := i
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(stop) {
				s := shared
				if s == nil {
					s = session(c, *ttl)
				}
				e := concurrency.NewElection(s, fmt.Sprintf("%sw4/%d", *prefix, i))
				check(e.Campaign(forever, "x"))
				check(e.Resign(forever))
				if shared == nil {
					check(s.Close())
				}
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	all.Wait()
	took := time.Since(begin).Seconds()
	m := metrics{"elections": float64(count), "elections_per_s": float64(count) / took}
	cpu.put(m, int(count))
	m.print()
}

// W5. One session for all. Paced when waiting: ten thousand at once get "etcdserver: too many requests".
func many(hold bool) {
	s := session(client(), *ttl)
	elections := make([]*concurrency.Election, *n)
	var all sync.WaitGroup
	atATime := make(chan bool, 64)
	for i := range elections {
		e := concurrency.NewElection(s, fmt.Sprintf("%sh/%d", *prefix, i))
		elections[i] = e
		if !hold {
			time.Sleep(time.Millisecond / 2)
			go func() { check(e.Campaign(forever, "w")) }()
			continue
		}
		all.Add(1)
		atATime <- true
		go func() { check(e.Campaign(forever, "l")); <-atATime; all.Done() }()
	}
	all.Wait()
	fmt.Println("READY")
	untilInputEnds()
	m := metrics{"still_valid": 0}
	if hold {
		m["still_valid"] = float64(len(elections))
	}
	m.print()
}

// W6. A session for each candidate, as for candidates of different processes, through one client.
func contention() {
	c := client()
	elections := make([]*concurrency.Election, *n+1)
	for i := range elections {
		elections[i] = concurrency.NewElection(session(c, 60), *prefix+"w6")
	}
	check(elections[0].Campaign(forever, "0"))
	won := make(chan int, *n)
	for i := 1; i <= *n; i++ {
		i := i
		go func() { check(elections[i].Campaign(forever, "x")); won <- i }()
	}
	fmt.Println("READY")
	input.ReadString('\n')
	var took []float64
	cpu, begin := startCPU(), time.Now()
	last := begin
	check(elections[0].Resign(forever))
	for k := 1; k <= *n; k++ {
		i := <-won
		at := time.Now()
		took = append(took, us(at.Sub(last)))
		last = at
		if k < *n {
			check(elections[i].Resign(forever))
		}
	}
	m := metrics{"handovers_per_s": float64(*n) / last.Sub(begin).Seconds(), "rss_mb": rssMB()}
	cpu.put(m, *n)
	m.putAll("handover_us", took)
	m.print()
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: PLAYER WORKLOAD [--FLAG VALUE]...")
		os.Exit(2)
	}
	check(flag.CommandLine.Parse(os.Args[2:]))
	switch os.Args[1] {
	case "campaigns":
		campaigns()
	case "hand-over":
		handOver()
	case "stand":
		stand()
	case "throughput":
		throughput()
	case "hold", "wait":
		many(os.Args[1] == "hold")
	case "contention":
		contention()
	default:
		fmt.Fprintln(os.Stderr, "go: unknown workload", os.Args[1])
		os.Exit(2)
	}
}
