#!/usr/bin/env node
import { main } from '../cli/main.ts';

process.exitCode = await main('fate', process.argv.slice(2));
