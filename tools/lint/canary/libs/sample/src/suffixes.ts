/** Known-bad imports by file name: this is no repository, no routes file, no config and no test. */
import express from 'express';
import knex from 'knex';
import { createTestDatabase } from '@rostrum/testing';

export const used = [express, knex, createTestDatabase, process.env['HOME']];
