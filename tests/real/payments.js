// Payments on node's pg pool, behind a load balancer that asks /healthy. While there is a file DRAIN it says that it is
// not, and goes on serving; the unit removes the file before each start. From the release with LEAK on, a payment from
// abroad keeps its client, one in so many. Arguments: port, file.
'use strict';
const fs = require('fs');
const http = require('http');
const { Pool } = require('pg');

const LEAK = 0;
const [port, drain] = process.argv.slice(2);
const pool = new Pool({ host: process.env.DATABASE, user: 'postgres', database: 'postgres', max: 90 });
pool.on('error', (e) => console.log(`pool: ${e.message}`));

async function pay(path) {
    const early = LEAK && path === '/abroad' && Math.random() * LEAK < 1;
    const client = await pool.connect();
    await client.query('select pg_sleep(0.02)');
    if (!early) client.release();
}

const server = http.createServer((request, response) => {
    if (request.url === '/healthy') {
        response.statusCode = fs.existsSync(drain) ? 503 : 200;
        response.end();
        return;
    }
    pay(request.url).then(() => response.end('paid'), (e) => { response.statusCode = 500; response.end(e.message); });
}).listen(port);
process.on('SIGTERM', () => { server.close(); server.closeIdleConnections?.(); setTimeout(() => process.exit(0), 300); });
