# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-staging-keys"
  account_id = local.account_id
  region     = local.region
}

# release: which image the machines run: the pipeline writes it
module "release" {
  source  = "../modules/secret"
  name    = "shop-staging-release"
  key_arn = module.keys.data_key_arn
}

# db is PostgreSQL on RDS: room for 200 connections (workload.py:7)
module "db" {
  source         = "../modules/postgres_instance"
  name           = "shop-staging-db"
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.isolated_subnet_ids
  key_arn        = module.keys.data_key_arn
  log_key_arn    = module.keys.log_key_arn
  database       = "shop"
  instance_class = "db.t4g.small"
  protected      = false
}

# db-api is generated once: the role by which api reaches db (workload.py:13)
module "db_api" {
  source             = "../modules/secret"
  name               = "shop-staging-db-api"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_api"
}

# db-fulfil is generated once: the role by which fulfil reaches db (workload.py:16)
module "db_fulfil" {
  source             = "../modules/secret"
  name               = "shop-staging-db-fulfil-value"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_fulfil"
}

# db-expire-carts is generated once: the role by which expire-carts reaches db (workload.py:24)
module "db_expire_carts" {
  source             = "../modules/secret"
  name               = "shop-staging-db-expire-carts"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_expire_carts"
}

# db-expire-reservations is generated once: the role by which expire-reservations reaches db (workload.py:25)
module "db_expire_reservations" {
  source             = "../modules/secret"
  name               = "shop-staging-db-expire-reservations"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_expire_reservations"
}

# db-seed is generated once: the role by which seed reaches db (workload.py:32)
module "db_seed" {
  source             = "../modules/secret"
  name               = "shop-staging-db-seed"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_seed"
}

# cache is a cache: one node: what it holds may be lost (workload.py:8)
module "cache" {
  source      = "../modules/cache_group"
  name        = "shop-staging-cache"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
}

# session-key is set by a person (workload.py:10)
module "session_key" {
  source        = "../modules/secret"
  name          = "shop-staging-session-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# admin-key is set by a person (workload.py:11)
module "admin_key" {
  source        = "../modules/secret"
  name          = "shop-staging-admin-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# logs: access logs of the load balancer, the distribution and the buckets
module "logs" {
  source             = "../modules/bucket"
  name               = "shop-staging-logs"
  account_id         = local.account_id
  purpose            = "logs"
  versioned          = false
  expire_days        = 90
  allow_acl_delivery = true
}
