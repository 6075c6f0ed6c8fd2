# orders carries messages in 3 lanes (workload.py:9)
module "orders" {
  source  = "../modules/queue"
  name    = "shop-prod-orders"
  lanes   = ["payment", "fulfilment", "analytics"]
  key_arn = module.keys.data_key_arn
}
