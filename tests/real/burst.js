// Pools of node's pg that never close what is idle: one opened twelve clients in a burst and needs one since;
// in the other, after each minute's burst, the last that was given back is taken first.
'use strict';
const { Pool } = require('pg');

const pool = new Pool({ host: process.env.DATABASE, user: 'postgres', database: 'postgres', max: 20, idleTimeoutMillis: 0 });
const ask = (seconds) => pool.query('select pg_sleep($1)', [seconds]).catch((e) => console.log(e.message));
const bursts = process.argv[2] === 'bursts';
let turn = 0;

setInterval(() => {
    turn++;
    const count = turn === 100 ? 12 : bursts && turn % 300 === 0 ? 16 : 1;
    for (let i = 0; i < count; i++) ask(0.05);
}, 200);
