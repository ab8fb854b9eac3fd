// The npm player for Azure: @azure/storage-blob's BlobLeaseClient under the harness's command line.
'use strict';
const crypto = require('crypto');
const { BlobServiceClient, StorageSharedKeyCredential } = require('@azure/storage-blob');
const { options: o, us, Cpu, allOf, print, rssMb, play } = require('./measure');

// Azurite's public account, or the user's.
const account = process.env.AZURE_STORAGE_ACCOUNT || 'devstoreaccount1';
const key = process.env.AZURE_STORAGE_KEY ||
    'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

async function azure() {
  const container = new BlobServiceClient(o.endpoint, new StorageSharedKeyCredential(account, key))
      .getContainerClient('coelect-bench');
  await container.createIfNotExists();
  const leases = [];
  for (let i = 0; i < o.n; i++) {
    await container.getBlockBlobClient('b' + i).upload('', 0).catch(() => 0);
    leases.push(container.getBlobClient('b' + i).getBlobLeaseClient(crypto.randomUUID()));
  }
  for (let i = 0; i < 20; i++) {
    await leases[0].acquireLease(60);
    await leases[0].renewLease();
    await leases[0].releaseLease();
  }
  const acquire = [], renew = [], release = [];
  const cpu = new Cpu(), begin = us(), stop = begin + o.seconds * 1e6;
  await Promise.all(leases.map(async lease => {
    while (us() < stop) {
      const t0 = us();
      await lease.acquireLease(60);
      const t1 = us();
      await lease.renewLease();
      const t2 = us();
      await lease.releaseLease();
      acquire.push(t1 - t0);
      renew.push(t2 - t1);
      release.push(us() - t2);
    }
  }));
  const operations = 3 * acquire.length;
  print({ operations_per_s: operations / ((us() - begin) / 1e6), ...cpu.of(operations), rss_mb: rssMb(),
    ...allOf('acquire_us', acquire), ...allOf('renew_us', renew), ...allOf('release_us', release) });
}

play({ azure });
