-- Demo Data Export
-- Format: 2
-- Scenario: odd-names_2
-- Version: v1_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: 39e6f17e3763
-- Table "Order": "a,b" text key1 null, "größe" integer key2 null
-- Table records: id integer key, "order name" text null, "größe" integer, "say ""hi""" json null
-- Table log_: "key" integer null, "select" text null
-- Note: kept: as it is
-- Note: twice
-- Total "Order": 3
-- Total records: 2
-- Total Log: 3
-- Total Records: 8
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/* /* */ -- */ SET LOCAL search_path="Demo Data", public;
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;
/* /* */ -- */ ALTER TABLE records ALTER CONSTRAINT "fk Order" DEFERRABLE;
/* /* */ -- */ SET CONSTRAINTS ALL DEFERRED;

-- Cleanup existing demo data
DELETE FROM log_ WHERE
/* /* */ (1 = 1) -- */ (TRUE)
;
DELETE FROM records WHERE ("order name", "größe") IN (SELECT "a,b", "größe" FROM (SELECT "a,b", "größe" FROM "Order" WHERE
/* /* /* */ /*!40101 ("größe" < 7) # */ ("größe" < 9)
--*/ 0
-- */ ("größe" < 8)
) AS demo);
DELETE FROM "Order" WHERE
/* /* /* */ /*!40101 ("größe" < 7) # */ ("größe" < 9)
--*/ 0
-- */ ("größe" < 8)
;

-- "Order" (3 records)
INSERT INTO "Order" ("a,b", "größe") VALUES
('one',1),
('two; --',1),
('one',2);

-- records (2 records)
INSERT INTO records (id, "order name", "größe", "say ""hi""") VALUES
(1,'one',2,'[]'),
(2,'two; --',1,NULL);

-- Log (3 records)
INSERT INTO log_ ("key", "select") VALUES
(NULL,NULL),
(1,'twice'),
(1,'twice');

-- Deferred references (2 updates)
UPDATE "Order" SET "a,b"='uno' WHERE "a,b"='one' AND "größe"=1;
UPDATE records SET "say ""hi"""=
/* /* */ CAST(X'0D' AS CHAR) -- */ E'\r'
, "order name"="order name" WHERE id=2;

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;
/* /* */ -- */ SET CONSTRAINTS ALL IMMEDIATE;
/* /* */ -- */ ALTER TABLE records ALTER CONSTRAINT "fk Order" NOT DEFERRABLE;
/* /* */ -- */ SELECT setval(pg_get_serial_sequence('records','id'), GREATEST((SELECT max(id)+1 FROM records), nextval(pg_get_serial_sequence('records','id'))), false);
/* /* */ -- */ SELECT setval(pg_get_serial_sequence('"Order"','größe'), GREATEST((SELECT max("größe")+1 FROM "Order"), nextval(pg_get_serial_sequence('"Order"','größe'))), false);

-- Verification
SELECT '"Order"' AS type, COUNT(*) AS count, 3 AS expected FROM "Order" WHERE
/* /* /* */ /*!40101 ("größe" < 7) # */ ("größe" < 9)
--*/ 0
-- */ ("größe" < 8)
UNION ALL
SELECT 'records' AS type, COUNT(*) AS count, 2 AS expected FROM records WHERE ("order name", "größe") IN (SELECT "a,b", "größe" FROM (SELECT "a,b", "größe" FROM "Order" WHERE
/* /* /* */ /*!40101 ("größe" < 7) # */ ("größe" < 9)
--*/ 0
-- */ ("größe" < 8)
) AS demo)
UNION ALL
SELECT 'Log' AS type, COUNT(*) AS count, 3 AS expected FROM log_ WHERE
/* /* */ (1 = 1) -- */ (TRUE)
;
COMMIT;
-- Content digest: sha256:b9a3e0d93e2478b05de746b2d5b6a1410b43fc941bca07555f6715b095b00bb1
-- Export completed successfully
