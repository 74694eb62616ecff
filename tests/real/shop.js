// A shop on node's pg pool. Each request takes a client, asks, and gives it back; from the release with
// LEAK on, some orders from abroad take the early way out and keep their client.
'use strict';
const http = require('http');
const { Pool } = require('pg');

const LEAK = 0; // one order from abroad in so many; 0: none
const pool = new Pool({ host: process.env.DATABASE, user: 'postgres', database: 'postgres', max: 60 });
pool.on('error', (e) => console.log(`pool: ${e.message}`));
let abroad = 0;
let exhausted = false;

async function order(path) {
    const early = LEAK && path === '/abroad' && ++abroad % LEAK === 0;
    const client = await pool.connect();
    await client.query('select pg_sleep(0.02)');
    if (early) return 'refused';
    client.release();
    return 'done';
}

http.createServer((request, response) => {
    if (!exhausted && pool.totalCount === pool.options.max && pool.idleCount === 0 && pool.waitingCount > 0) {
        exhausted = true;
        console.log(`exhausted at ${Date.now() / 1000}`);
    }
    order(request.url).then((text) => response.end(text), (e) => { response.statusCode = 500; response.end(e.message); });
}).listen(8001);
