#!/usr/bin/env node
import { main } from '../cli/main.ts';

process.exitCode = await main('fates', process.argv.slice(2));
