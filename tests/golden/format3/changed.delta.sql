-- Demo Data Export
-- Format: 3
-- Scenario: general
-- Version: v2_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: 2765ffea4f79
-- Table vaults: id integer key, name text null, data binary null
-- Table todos: id integer key, vault_id integer null, next_id integer null, title text null
-- Delta: v1_2025-01-15 sha256:df8bd71afbf88325ceac9c98938c873478cb0fb681463fffe72f5ea698f6e5e2
-- Whole: sha256:3a6b822a82a43b5cda0d9085a536d47c85be93929a79be7367610a2a80bae094 2636 bytes
-- Changes: vaults 2 deleted, 2 updated, 1 inserted
-- Changes: todos 1 deleted, 3 updated, 1 inserted
-- Deferred: todos (next_id) 2
-- Total Vaults: 43
-- Total Todos: 4
-- Total Records: 47
-- A delta: demo import finds and checks what it is on top of; a client loads that first, then this.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Released references (4 changes)
UPDATE todos SET next_id=NULL WHERE id=10;
UPDATE todos SET vault_id=NULL WHERE id=11;
UPDATE todos SET next_id=NULL WHERE id=12;
UPDATE todos SET vault_id=NULL WHERE id=13;

-- Deleted rows (3 changes)
DELETE FROM todos WHERE id=12;
DELETE FROM vaults WHERE id=4;
DELETE FROM vaults WHERE id=3;

-- Updated rows (3 changes)
UPDATE vaults SET name='Mine' WHERE id=1;
UPDATE vaults SET data=
/* /* */ X'0A0D' -- */ '\x0A0D'
 WHERE id=2;
UPDATE todos SET title='Bought' WHERE id=11;

-- Vaults (1 record)
INSERT INTO vaults (id, name, data) VALUES
(5,'it''s new',NULL);

-- Todos (1 record)
INSERT INTO todos (id, vault_id, next_id, title) VALUES
(14,1,NULL,'Add');

-- References (2 changes)
UPDATE todos SET vault_id=5 WHERE id=11;
UPDATE todos SET vault_id=2 WHERE id=13;

-- Deferred references (2 updates)
UPDATE todos SET next_id=13 WHERE id=10;
UPDATE todos SET next_id=14 WHERE id=11;

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Verification
SELECT 'Vaults' AS type, COUNT(*) AS count, 43 AS expected FROM vaults WHERE (id < 100)
UNION ALL
SELECT 'Todos' AS type, COUNT(*) AS count, 4 AS expected FROM todos WHERE (id < 100);
COMMIT;
-- Content digest: sha256:32c270d9dcd9a16c66600241cb4f673a3f4152a325aafb84382213cbef171e69
-- Export completed successfully
