-- The main job of Drystone in one file: real data in, then asked for by key, by SQL and by similarity.
--
--     cargo run --release -- run examples/quickstart.sql
--
-- Lines that start with a dot are commands of the shell; all else is SQL. It may be run again and again.

.open quickstart.drystone
.timer on

-- 1. Three tables. Every type and constraint is checked when a row is written.
DROP TABLE IF EXISTS countries;
DROP TABLE IF EXISTS cities;
DROP TABLE IF EXISTS texts;

CREATE TABLE countries (
    code          TEXT PRIMARY KEY,
    iso3          TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    continent     TEXT NOT NULL,
    capital       TEXT,
    capital_id    BIGINT,
    area_km2      BIGINT,
    population    BIGINT NOT NULL,
    currency_code TEXT,
    currency_name TEXT,
    languages     TEXT
);

CREATE TABLE cities (
    id           BIGINT PRIMARY KEY,
    name         TEXT NOT NULL,
    country_code TEXT NOT NULL,
    latitude     DOUBLE PRECISION NOT NULL,
    longitude    DOUBLE PRECISION NOT NULL,
    population   BIGINT NOT NULL,
    timezone     TEXT NOT NULL
);

CREATE TABLE texts (
    id        BIGINT PRIMARY KEY,
    category  TEXT NOT NULL,
    title     TEXT NOT NULL,
    body      TEXT NOT NULL,
    embedding VECTOR(384) NOT NULL
);

-- 2. Real data: GeoNames, WordNet and the Jargon File (sources and licences: examples/data/README.md).
.import countries examples/data/countries.csv
.import cities examples/data/cities.csv
.import texts examples/data/texts.jsonl

-- 3. Look up one row by its key.
SELECT name, country_code, population FROM cities WHERE id = 2950159;

-- 4. A range of keys.
SELECT code, name, capital FROM countries WHERE code BETWEEN 'NA' AND 'NL';

-- 5. The ten largest cities.
SELECT name, country_code, population FROM cities ORDER BY population DESC LIMIT 10;

-- 6. Groups: continents by population.
SELECT continent, count(*) AS countries, sum(population) AS people, max(area_km2) AS largest_km2
FROM countries
GROUP BY continent
HAVING count(*) > 10
ORDER BY people DESC;

-- 7. A join: European capitals with more than two million people.
SELECT co.name AS country, ci.name AS capital, ci.population
FROM countries co
JOIN cities ci ON ci.id = co.capital_id
WHERE co.continent = 'Europe' AND ci.population > 2000000
ORDER BY ci.population DESC;

-- 8. A join and groups: who has the most cities of a million or more?
SELECT co.name, count(*) AS cities, sum(ci.population) AS people
FROM cities ci
JOIN countries co ON co.code = ci.country_code
WHERE ci.population >= 1000000
GROUP BY co.name
ORDER BY cities DESC, co.name
LIMIT 5;

-- 9. A transaction that is rolled back leaves no trace.
BEGIN;
DELETE FROM cities WHERE country_code = 'FR';
SELECT count(*) AS french_cities_inside FROM cities WHERE country_code = 'FR';
ROLLBACK;
SELECT count(*) AS french_cities_after FROM cities WHERE country_code = 'FR';

-- 10. The same question without and with an index.
EXPLAIN SELECT name FROM cities WHERE country_code = 'JP' AND population > 1000000;
CREATE INDEX cities_country_population ON cities (country_code, population);
EXPLAIN SELECT name FROM cities WHERE country_code = 'JP' AND population > 1000000;
SELECT name, population FROM cities WHERE country_code = 'JP' AND population > 1000000 ORDER BY population DESC;

-- 11. By meaning: an index over sentence embeddings, then the neighbours of a text.
CREATE INDEX texts_embedding ON texts USING hnsw (embedding) WITH (metric = 'cosine');
EXPLAIN SELECT title FROM texts
ORDER BY embedding <=> (SELECT embedding FROM texts WHERE title = 'heisenbug') LIMIT 5;

SELECT id, category, title, substr(body, 1, 60) AS body
FROM texts
ORDER BY embedding <=> (SELECT embedding FROM texts WHERE title = 'heisenbug')
LIMIT 5;

-- 12. The same, filtered: which texts on health are near to "phobia"?
SELECT id, title, round(100 * (1 - (embedding <=> (SELECT embedding FROM texts WHERE title = 'phobia')))) AS percent
FROM texts
WHERE category = 'health' AND title <> 'phobia'
ORDER BY embedding <=> (SELECT embedding FROM texts WHERE title = 'phobia')
LIMIT 5;

-- 13. The index is part of the transaction: the next search sees the update.
SELECT id, title FROM texts
ORDER BY embedding <=> (SELECT embedding FROM texts WHERE title = 'violin') LIMIT 4;
UPDATE texts SET embedding = (SELECT embedding FROM texts WHERE title = 'violin'), title = 'violin (copy)'
WHERE title = 'heisenbug'
RETURNING id, title;
SELECT id, title FROM texts
ORDER BY embedding <=> (SELECT embedding FROM texts WHERE title = 'violin') LIMIT 4;

-- 14. Models meet: what the texts say about the largest cities.
SELECT ci.name, ci.population, substr(t.body, 1, 70) AS text
FROM cities ci
JOIN texts t ON t.title = ci.name AND t.category = 'geography'
ORDER BY ci.population DESC
LIMIT 5;
